// The exception a call throws: its type and its exact text.
#pragma once

#include <gtest/gtest.h>

#include <exception>
#include <string>

namespace heed {

template <class E, class F>
testing::AssertionResult throws_with(const F& call, const std::string& text) {
  try {
    call();
  } catch (const E& error) {
    if (error.what() == text) return testing::AssertionSuccess();
    return testing::AssertionFailure() << "the text is \"" << error.what() << "\"\n   not \"" << text << "\"";
  } catch (const std::exception& error) {
    return testing::AssertionFailure() << "another type of exception: " << error.what();
  }
  return testing::AssertionFailure() << "nothing was thrown; expected \"" << text << "\"";
}

}  // namespace heed

/// The expression throws E with exactly this text.
#define EXPECT_ERROR(E, text, ...) EXPECT_TRUE(::heed::throws_with<E>([&] { (void)(__VA_ARGS__); }, text))
