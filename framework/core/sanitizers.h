// Which sanitizer this is compiled for: gcc defines __SANITIZE_ADDRESS__, clang answers
// __has_feature(address_sanitizer).
#pragma once

/// 1 under AddressSanitizer, else 0.
#if defined(__SANITIZE_ADDRESS__)
#define HEED_ASAN 1
#elif defined(__has_feature)
#define HEED_ASAN __has_feature(address_sanitizer)
#else
#define HEED_ASAN 0
#endif

/// 1 under ThreadSanitizer, else 0.
#if defined(__SANITIZE_THREAD__)
#define HEED_TSAN 1
#elif defined(__has_feature)
#define HEED_TSAN __has_feature(thread_sanitizer)
#else
#define HEED_TSAN 0
#endif
