#include "framework/ops/naming.h"

#include <algorithm>
#include <string_view>
#include <typeinfo>

#include "framework/ops/registry.h"

namespace heed::detail {
namespace {

// What ops ask of a tensor, and what makes one.
constexpr std::string_view kAsked[] = {"data", "dtype", "memory", "shape", "strides"};
constexpr std::string_view kMakes[] = {"arange", "clone", "empty", "full", "ones", "to", "zeros"};

bool is_row(std::string_view name) {
  return std::ranges::any_of(op_registry(), [&](const OpInfo& op) { return op.name == name; });
}
bool is_below(std::string_view name) {
  return std::ranges::count(kAsked, name) + std::ranges::count(kMakes, name) > 0 || is_row(name);
}
bool makes(std::string_view name) { return std::ranges::count(kMakes, name) > 0; }

// Throws if the error is an E and nothing more special, which only a hook of the user's can throw.
template <class E>
void throw_if(const Error& error, const char* op) {
  if (typeid(error) == typeid(E)) throw E(op, std::string(error.detail()));
}

// Throws with `op` in the place of the error's own, if that is known: then it is not a hook's.
void throw_renamed(const char* op, const Error& error, bool (*known)(std::string_view)) {
  if (!known(error.op())) return;
  throw_if<ShapeError>(error, op);
  throw_if<DTypeError>(error, op);
  throw_if<IndexError>(error, op);
  throw_if<ValueError>(error, op);
  throw_if<MemoryError>(error, op);
}

}  // namespace

void rethrow_as(const char* op) {
  try {
    throw;
  } catch (const Error& error) {
    throw_renamed(op, error, is_below);
    throw;
  }
}

void rethrow_allocation_as(const char* op) {
  try {
    throw;
  } catch (const Error& error) {
    throw_renamed(op, error, makes);
    throw;
  }
}

}  // namespace heed::detail
