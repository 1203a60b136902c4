/* What R has no words for: any system call by name, and connections to sockets. For .C() of R.
 * Each writes into `said` what came of it: the name of the error, or "done". */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define CALL(name) {#name, SYS_##name}
static const struct { const char *name; long number; } calls[] = {
  CALL(acct), CALL(add_key), CALL(bpf), CALL(capset), CALL(chroot), CALL(clone),
  CALL(delete_module), CALL(fanotify_init), CALL(fchmodat), CALL(fchownat), CALL(fcntl),
  CALL(finit_module), CALL(ftruncate), CALL(init_module), CALL(inotify_add_watch),
  CALL(inotify_init1), CALL(io_uring_setup), CALL(ioprio_set), CALL(kcmp), CALL(kexec_load),
  CALL(keyctl), CALL(kill), CALL(linkat), CALL(memfd_create), CALL(mknodat), CALL(mount), CALL(mq_open),
  CALL(name_to_handle_at), CALL(open_by_handle_at), CALL(openat), CALL(perf_event_open),
  CALL(personality), CALL(pidfd_getfd), CALL(pidfd_open), CALL(pidfd_send_signal),
  CALL(pivot_root), CALL(prctl), CALL(prlimit64), CALL(process_vm_readv),
  CALL(process_vm_writev), CALL(ptrace), CALL(quotactl), CALL(reboot), CALL(request_key),
  CALL(rt_sigqueueinfo), CALL(sched_setaffinity), CALL(setns), CALL(setpgid), CALL(setpriority),
  CALL(setsid), CALL(setuid), CALL(setxattr), CALL(shmget), CALL(socket), CALL(swapon),
  CALL(syslog), CALL(tgkill), CALL(truncate), CALL(umount2), CALL(unshare), CALL(userfaultfd),
  CALL(utimensat),
};

static void say(char **said, int failed) {
  snprintf(said[0], 64, "%s", failed ? strerrorname_np(errno) : "done");
}

/* arguments: "name" or its number, then numbers, "@" with a text, or "&" for a page of zeros. */
void kernel(char **arguments, int *count, char **said) {
  long number = strtol(arguments[0], NULL, 10), given[6] = {0};
  for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
    if (!strcmp(arguments[0], calls[i].name)) number = calls[i].number;
  for (int i = 1; i < *count; i++)
    given[i - 1] = arguments[i][0] == '@' ? (long)(arguments[i] + 1)
                 : arguments[i][0] == '&' ? (long)calloc(1, 4096)
                 : strtol(arguments[i], NULL, 0);
  pid_t before = getpid();
  long result = syscall(number, given[0], given[1], given[2], given[3], given[4], given[5]);
  if (getpid() != before) _exit(0); /* clone() worked */
  say(said, result < 0);
}

/* An answer of the kernel's that is itself a descriptor: pidfd_open(), then pidfd_getfd(). */
void steal(int *pid, char **said) {
  int process = syscall(SYS_pidfd_open, *pid, 0);
  say(said, process < 0 || syscall(SYS_pidfd_getfd, process, 3, 0) < 0);
}

void end_by_pidfd(int *pid, char **said) {
  int process = syscall(SYS_pidfd_open, *pid, 0);
  say(said, process < 0 || syscall(SYS_pidfd_send_signal, process, 9, NULL, 0) < 0);
}

/* A path, or a name behind "@" without one. */
void connect_unix(char **path, char **said) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  size_t length = strlen(path[0]);
  memcpy(address.sun_path, path[0], length);
  if (path[0][0] == '@') address.sun_path[0] = 0;
  int socket_ = socket(AF_UNIX, SOCK_STREAM, 0);
  say(said, socket_ < 0 ||
      connect(socket_, (void *)&address, offsetof(struct sockaddr_un, sun_path) + length) < 0);
}

void connect_internet(int *port, int *kind, char **said) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(*port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int socket_ = socket(AF_INET, *kind, 0);
  say(said, socket_ < 0 || connect(socket_, (void *)&address, sizeof address) < 0 ||
      send(socket_, "hello", 5, 0) < 0);
}

/* To be told of a pipe's news by any signal, on behalf of any process. */
void signal_by_pipe(int *pid, char **said) {
  int ends[2];
  if (pipe(ends)) { say(said, 1); return; }
  say(said, syscall(SYS_fcntl, ends[0], 8 /* F_SETOWN */, *pid) < 0);
}

/* Words of its own into the socket over which the child answers. */
void forge(unsigned char *bytes, int *count, char **said) {
  int found = 0;
  for (int fd = 3; fd < 64; fd++) found += send(fd, bytes, *count, MSG_NOSIGNAL) == *count;
  say(said, !found);
}

void write_to_nowhere(void) { *(volatile int *)8 = 1; }
void give_up(void) { abort(); }
void loop(void) { for (;;) __asm__ volatile(""); }
