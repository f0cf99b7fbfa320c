#pragma once
/* Not with _GNU_SOURCE: Swift's own Glibc module is built without it, and the two must agree on every structure. What only
 * _GNU_SOURCE declares is declared below under a name of our own. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <dirent.h>

int clinux_accept4(int, struct sockaddr *_Nonnull, socklen_t *_Nonnull, int) __asm__("accept4");
int clinux_pthread_setname(pthread_t, const char *_Nonnull) __asm__("pthread_setname_np");
int clinux_sched_setaffinity(pid_t, size_t, const unsigned long *_Nonnull) __asm__("sched_setaffinity");
int clinux_sched_getaffinity(pid_t, size_t, unsigned long *_Nonnull) __asm__("sched_getaffinity");

/* Names that are enumerators or function-like macros in C, as plain functions and values. */

static const uint32_t clinux_epoll_in = EPOLLIN;
static const uint32_t clinux_epoll_out = EPOLLOUT;
static const uint32_t clinux_epoll_err = EPOLLERR;
static const uint32_t clinux_epoll_hup = EPOLLHUP;
static const uint32_t clinux_epoll_rdhup = EPOLLRDHUP;
static const uint32_t clinux_epoll_et = EPOLLET;
static const uint32_t clinux_epoll_exclusive = EPOLLEXCLUSIVE;
static const int clinux_epoll_cloexec = EPOLL_CLOEXEC;
static const int clinux_sock_stream = SOCK_STREAM;
static const int clinux_sock_nonblock_cloexec = SOCK_NONBLOCK | SOCK_CLOEXEC;
static const int clinux_sock_cloexec = SOCK_CLOEXEC;
static const int clinux_msg_nosignal = MSG_NOSIGNAL;
static const int clinux_msg_peek = MSG_PEEK;
static const int clinux_msg_dontwait = MSG_DONTWAIT;
static const int clinux_shut_wr = SHUT_WR;
static const int clinux_shut_rdwr = SHUT_RDWR;
static const int clinux_ipproto_tcp = IPPROTO_TCP;
static const int clinux_ipproto_ipv6 = IPPROTO_IPV6;
static const int clinux_msg_peek_dontwait = MSG_PEEK | MSG_DONTWAIT;
static const int clinux_eventfd_flags = EFD_NONBLOCK | EFD_CLOEXEC;
static const int clinux_eventfd_blocking_flags = EFD_CLOEXEC;
static const int clinux_signalfd_flags = SFD_NONBLOCK | SFD_CLOEXEC;

static inline uint64_t clinux_epoll_event_data(const struct epoll_event *_Nonnull event) { return event->data.u64; }

static inline int clinux_epoll_ctl(int epoll, int operation, int descriptor, uint32_t events, uint64_t data) {
    struct epoll_event event;
    event.events = events;
    event.data.u64 = data;
    return epoll_ctl(epoll, operation, descriptor, &event);
}

static inline int clinux_get_descriptor_limit(uint64_t *_Nonnull soft, uint64_t *_Nonnull hard) {
    struct rlimit limit;
    int result = getrlimit(RLIMIT_NOFILE, &limit);
    *soft = limit.rlim_cur;
    *hard = limit.rlim_max;
    return result;
}

static inline int clinux_set_descriptor_limit(uint64_t soft, uint64_t hard) {
    struct rlimit limit = {soft, hard};
    return setrlimit(RLIMIT_NOFILE, &limit);
}

/* Pins the calling thread to one processor below 1024. */
static inline int clinux_pin_current_thread(int processor) {
    unsigned long set[16] = {0};
    if (processor < 0 || processor >= 1024) return -1;
    set[processor / 64] = 1ul << (processor % 64);
    return clinux_sched_setaffinity(0, sizeof(set), set);
}

/* Processors the calling thread may run on. */
static inline int clinux_available_processors(void) {
    unsigned long set[16] = {0};
    int count = 0;
    if (clinux_sched_getaffinity(0, sizeof(set), set) < 0) return 1;
    for (int index = 0; index < 16; index++) count += __builtin_popcountl(set[index]);
    return count;
}

static inline int clinux_getsockname(int socket, struct sockaddr *_Nonnull address, socklen_t *_Nonnull length) {
    return getsockname(socket, address, length);
}

static inline int clinux_getpeername(int socket, struct sockaddr *_Nonnull address, socklen_t *_Nonnull length) {
    return getpeername(socket, address, length);
}

/* recv(2) and send(2) without glibc's wrapper, which makes each call a cancellation point: two atomic operations that no
 * thread of ours has a use for. They answer a count, or an error's number negated, and leave errno alone. */

#if defined(__x86_64__)
static inline long clinux_call6(long number, long a, const void *_Nullable b, long c, long d) {
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = 0;
    register long r9 __asm__("r9") = 0;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}
static inline long clinux_recv(int socket, void *_Nullable memory, size_t count) {
    return clinux_call6(45, socket, memory, (long)count, 0);
}
static inline long clinux_send(int socket, const void *_Nullable memory, size_t count) {
    return clinux_call6(44, socket, memory, (long)count, MSG_NOSIGNAL);
}
#else
static inline long clinux_recv(int socket, void *_Nullable memory, size_t count) {
    long result = recv(socket, memory, count, 0);
    return result < 0 ? -(long)errno : result;
}
static inline long clinux_send(int socket, const void *_Nullable memory, size_t count) {
    long result = send(socket, memory, count, MSG_NOSIGNAL);
    return result < 0 ? -(long)errno : result;
}
#endif

/* Who is at the other end of a unix socket (SO_PEERCRED, unix(7)). The structure is struct ucred, which only _GNU_SOURCE
 * declares. */
static inline int clinux_peer_credentials(int socket, uint32_t *_Nonnull user, int32_t *_Nonnull process) {
    struct { int32_t process; uint32_t user; uint32_t group; } peer = {0, 0, 0};
    socklen_t length = sizeof(peer);
    int result = getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &length);
    *user = peer.user;
    *process = peer.process;
    return result;
}
