// Fails the n-th of a kind of call on files of one folder, or sets the time of day: loaded in front of the C library by `Scripts/soak`.
//
//   FAULT_FOLDER  the calls that count are about regular files below it
//   FAULT_CALL    open, read, write, sync, rename, unlink or truncate; or step, of any statement of SQLite
//   FAULT_NUMBER  which of them fails, from 1
//   FAULT_ERROR   EIO, ENOSPC or EINTR, or short: half of the bytes are read or written; of a step EIO, ENOSPC or EBUSY
//   FAULT_MARK    a file that is made when the fault happens; it says which file it happened to
//
//   FAULT_CLOCK   what the time of day is: 1970 (it begins there), back (an hour earlier at each look), forth (ten days later at each look)
//                 or anywhere (at each look another time between 1970 and 2100); other clocks stay as they are
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
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static atomic_long count;

// The path of the file that was asked about last.
static _Thread_local char path[4096];

static int is_inside(const char *name) {
  const char *folder = getenv("FAULT_FOLDER");
  if (!folder || !name || strncmp(name, folder, strlen(folder)) != 0) return 0;
  if (name != path) snprintf(path, sizeof path, "%s", name);
  return 1;
}

static int is_watched(int descriptor) {
  struct stat status;
  char link[64];
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
  if (mark) {
    int descriptor = real_open(mark, O_CREAT | O_WRONLY, 0600);
    dprintf(descriptor, "%s", path);
    close(descriptor);
  }
  if (strcmp(error, "short") == 0) return 2;
  errno = strcmp(error, "ENOSPC") == 0 ? ENOSPC : strcmp(error, "EINTR") == 0 ? EINTR : strcmp(error, "EBUSY") == 0 ? EBUSY : EIO;
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

// SQLite's own numbers: SQLITE_BUSY, SQLITE_IOERR and SQLITE_FULL. The steps that it makes itself, as when it reads its schema, go on.
int sqlite3_step(void *statement) {
  Dl_info caller;
  int is_ours = !dladdr(__builtin_return_address(0), &caller) || !caller.dli_fname || !strstr(caller.dli_fname, "libsqlite3");
  static int (*real)(void *);
  if (!real) real = (int (*)(void *))dlsym(RTLD_NEXT, "sqlite3_step");
  if (is_ours && fault("step")) return errno == EBUSY ? 5 : errno == ENOSPC ? 13 : 10;
  return real(statement);
}

// The time of day.

static void set(time_t *seconds) {
  static time_t begun;
  static atomic_long looks;
  const char *clock = getenv("FAULT_CLOCK");
  if (!clock) return;
  long look = atomic_fetch_add(&looks, 1);
  if (look == 0) begun = *seconds;
  if (strcmp(clock, "1970") == 0) *seconds -= begun;
  if (strcmp(clock, "back") == 0) *seconds -= 3600 * look;
  if (strcmp(clock, "forth") == 0) *seconds += 864000 * look;
  // Knuth's multiplicative hash spreads the looks.
  if (strcmp(clock, "anywhere") == 0) *seconds = (unsigned long)look * 2654435761u % 4102444800u;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
  int result = REAL(clock_gettime)(clock, time);
  if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) set(&time->tv_sec);
  return result;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
  int result = REAL(gettimeofday)(time, zone);
  if (result == 0) set(&time->tv_sec);
  return result;
}

time_t time(time_t *place) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (place) *place = now.tv_sec;
  return now.tv_sec;
}
