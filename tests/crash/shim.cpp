// Preloaded into translator: the Nth operation on files under a folder fails, or ends the program, as
// HEED_CRASH says.
//   HEED_CRASH_FOLDER=/path   operations on descriptors and paths beneath it are counted
//   HEED_CRASH_AT=N           the one that fails, from 1; 0 counts alone
//   HEED_CRASH_HOW=           kill | torn (half a write, then a kill) | ENOSPC | EIO | EINTR | short (a write
//   of
//                             half its bytes)
//   HEED_CRASH_COUNT=FILE     gets the number of operations when the program ends
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

namespace {

int operations = 0;

template <class Function>
Function next(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

bool beneath(const char* path) {
  const char* const folder = getenv("HEED_CRASH_FOLDER");
  return folder && strncmp(path, folder, strlen(folder)) == 0;
}

bool beneath(int fd) {
  char link[64], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t n = readlink(link, path, sizeof path - 1);
  if (n < 0) return false;
  path[n] = '\0';
  return beneath(path);
}

// Whether it is this operation's turn; then errno is set, and a kill does not come back.
bool turn(bool writes = false) {
  const char* const at = getenv("HEED_CRASH_AT");
  const char* const how = getenv("HEED_CRASH_HOW");
  if (++operations != (at ? atoi(at) : 0) || !how) return false;
  if (strcmp(how, "kill") == 0 || (strcmp(how, "torn") == 0 && !writes)) kill(getpid(), SIGKILL);
  errno = strcmp(how, "ENOSPC") == 0 ? ENOSPC : strcmp(how, "EIO") == 0 ? EIO : EINTR;
  return true;
}

bool is_short() {
  const char* const how = getenv("HEED_CRASH_HOW");
  return how && strcmp(how, "short") == 0;
}

bool is_torn() {
  const char* const how = getenv("HEED_CRASH_HOW");
  return how && strcmp(how, "torn") == 0;
}

__attribute__((destructor)) void tell() {
  const char* const file = getenv("HEED_CRASH_COUNT");
  if (!file) return;
  if (FILE* const out = fopen(file, "w")) {
    fprintf(out, "%d\n", operations);
    fclose(out);
  }
}

int open_checked(const char* name, const char* path, int flags, mode_t mode) {
  if ((flags & (O_WRONLY | O_RDWR)) != 0 && beneath(path) && turn() && !is_short()) return -1;
  return next<int (*)(const char*, int, ...)>(name)(path, flags, mode);
}

mode_t mode_of(int flags, va_list arguments) {
  return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(arguments, mode_t) : 0;
}

}  // namespace

extern "C" {

ssize_t write(int fd, const void* data, size_t size) {
  const auto real = next<ssize_t (*)(int, const void*, size_t)>("write");
  if (!beneath(fd) || !turn(/*writes=*/true)) return real(fd, data, size);
  if (is_torn()) {
    real(fd, data, size / 2);
    kill(getpid(), SIGKILL);
  }
  return is_short() ? real(fd, data, (size + 1) / 2) : -1;
}

int fsync(int fd) {
  if (beneath(fd) && turn() && !is_short()) return -1;
  return next<int (*)(int)>("fsync")(fd);
}

int rename(const char* from, const char* to) {
  if (beneath(to) && turn() && !is_short()) return -1;
  return next<int (*)(const char*, const char*)>("rename")(from, to);
}

int linkat(int from_folder, const char* from, int to_folder, const char* to, int flags) {
  if (beneath(to) && turn() && !is_short()) return -1;
  return next<int (*)(int, const char*, int, const char*, int)>("linkat")(from_folder, from, to_folder, to,
                                                                          flags);
}

int mkdir(const char* path, mode_t mode) {
  if (beneath(path) && turn() && !is_short() && errno != EINTR) return -1;  // it is never interrupted
  return next<int (*)(const char*, mode_t)>("mkdir")(path, mode);
}

int unlink(const char* path) {
  if (beneath(path) && turn() && !is_short()) return -1;
  return next<int (*)(const char*)>("unlink")(path);
}

int remove(const char* path) {
  if (beneath(path) && turn() && !is_short()) return -1;
  return next<int (*)(const char*)>("remove")(path);
}

int open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_of(flags, arguments);
  va_end(arguments);
  return open_checked("open", path, flags, mode);
}

int open64(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_of(flags, arguments);
  va_end(arguments);
  return open_checked("open64", path, flags, mode);
}
}
