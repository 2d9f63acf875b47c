#include "framework/ops/naming.h"

#include <algorithm>
#include <string_view>

#include "framework/ops/registry.h"

namespace heed::detail {
namespace {

// Whether a message begins with the name of an op or of what ops ask of a tensor, so that it is not a hook's.
bool is_below(std::string_view name) {
  constexpr std::string_view kAsked[] = {"data", "dtype", "empty", "memory", "ones", "shape", "strides"};
  return std::ranges::find(kAsked, name) != std::end(kAsked) ||
         std::ranges::any_of(op_registry(), [&](const OpInfo& op) { return op.name == name; });
}

std::string renamed(const char* op, const Error& error) {
  const std::string text = error.what();
  const size_t colon = text.find(": ");
  return colon != std::string::npos && is_below(std::string_view(text).substr(0, colon)) ? op + text.substr(colon) : text;
}

}  // namespace

void rethrow_as(const char* op) {
  try {
    throw;
  } catch (const ShapeError& error) {
    throw ShapeError(renamed(op, error));
  } catch (const DTypeError& error) {
    throw DTypeError(renamed(op, error));
  } catch (const IndexError& error) {
    throw IndexError(renamed(op, error));
  } catch (const ValueError& error) {
    throw ValueError(renamed(op, error));
  } catch (const MemoryError& error) {
    throw MemoryError(renamed(op, error));
  }
}

}  // namespace heed::detail
