// Fails the n-th of a kind of call on files of one folder: loaded in front of the C library by `Scripts/soak --sweep`.
//
//   FAULT_FOLDER  the calls that count are about regular files below it
//   FAULT_CALL    open, read, write, sync, rename, unlink or truncate
//   FAULT_NUMBER  which of them fails, from 1
//   FAULT_ERROR   EIO, ENOSPC or EINTR, or short: half of the bytes are read or written
//   FAULT_MARK    a file that is made when the fault happens
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static atomic_long count;

static int is_inside(const char *path) {
  const char *folder = getenv("FAULT_FOLDER");
  return folder && path && strncmp(path, folder, strlen(folder)) == 0;
}

static int is_watched(int descriptor) {
  struct stat status;
  char link[64], path[4096];
  int kept = errno;
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  ssize_t length = readlink(link, path, sizeof path - 1);
  int watched = 0;
  if (length > 0) {
    path[length] = 0;
    watched = is_inside(path) && fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
  }
  errno = kept;
  return watched;
}

static int (*real_open)(const char *, int, ...);

// 0: the call goes on; 1: it fails, and errno says how; 2: it does half.
static int fault(const char *call) {
  const char *wanted = getenv("FAULT_CALL"), *number = getenv("FAULT_NUMBER"), *error = getenv("FAULT_ERROR"), *mark = getenv("FAULT_MARK");
  if (!wanted || !number || !error || strcmp(wanted, call) != 0) return 0;
  if (atomic_fetch_add(&count, 1) + 1 != atol(number)) return 0;
  if (!real_open) real_open = dlsym(RTLD_NEXT, "open");
  if (mark) close(real_open(mark, O_CREAT | O_WRONLY, 0600));
  if (strcmp(error, "short") == 0) return 2;
  errno = strcmp(error, "ENOSPC") == 0 ? ENOSPC : strcmp(error, "EINTR") == 0 ? EINTR : EIO;
  return 1;
}

#define REAL(name) ({ static __typeof__(&name) real; if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name); real; })

#define OPEN(name)                                               \
  int name(const char *path, int flags, ...) {                   \
    va_list list;                                                \
    va_start(list, flags);                                       \
    mode_t mode = flags & O_CREAT ? va_arg(list, mode_t) : 0;    \
    va_end(list);                                                \
    if (is_inside(path) && fault("open")) return -1;             \
    return REAL(name)(path, flags, mode);                        \
  }
OPEN(open)
OPEN(open64)

#define TRANSFER(name, call, type)                                                        \
  ssize_t name(int descriptor, type buffer, size_t size) {                                \
    if (is_watched(descriptor)) {                                                         \
      int outcome = fault(call);                                                          \
      if (outcome == 1) return -1;                                                        \
      if (outcome == 2 && size > 1) size /= 2;                                            \
    }                                                                                     \
    return REAL(name)(descriptor, buffer, size);                                          \
  }
#define TRANSFER_AT(name, call, type, place)                                              \
  ssize_t name(int descriptor, type buffer, size_t size, place offset) {                  \
    if (is_watched(descriptor)) {                                                         \
      int outcome = fault(call);                                                          \
      if (outcome == 1) return -1;                                                        \
      if (outcome == 2 && size > 1) size /= 2;                                            \
    }                                                                                     \
    return REAL(name)(descriptor, buffer, size, offset);                                  \
  }
TRANSFER(read, "read", void *)
TRANSFER(write, "write", const void *)
TRANSFER_AT(pread, "read", void *, off_t)
TRANSFER_AT(pread64, "read", void *, off64_t)
TRANSFER_AT(pwrite, "write", const void *, off_t)
TRANSFER_AT(pwrite64, "write", const void *, off64_t)

#define ON_DESCRIPTOR(name, call) \
  int name(int descriptor) { return is_watched(descriptor) && fault(call) ? -1 : REAL(name)(descriptor); }
ON_DESCRIPTOR(fsync, "sync")
ON_DESCRIPTOR(fdatasync, "sync")

int rename(const char *from, const char *to) { return is_inside(to) && fault("rename") ? -1 : REAL(rename)(from, to); }
int unlink(const char *path) { return is_inside(path) && fault("unlink") ? -1 : REAL(unlink)(path); }
int ftruncate(int descriptor, off_t size) { return is_watched(descriptor) && fault("truncate") ? -1 : REAL(ftruncate)(descriptor, size); }
int ftruncate64(int descriptor, off64_t size) {
  return is_watched(descriptor) && fault("truncate") ? -1 : REAL(ftruncate64)(descriptor, size);
}
