// What any proxy costs that goes through the kernel's TCP: a relay that reads nothing of what it carries. Each client has an
// upstream connection of its own; what comes on one side is written to the other. No bounds, no time-outs, no back-pressure:
// for measuring only, on loopback.
//
//   relay PORT UPSTREAM_PORT
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { DESCRIPTORS = 65536, EVENTS = 512, SIZE = 64 << 10 };

static int other[DESCRIPTORS], epoll;
static char bytes[SIZE];

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static struct sockaddr_in loopback(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

static void watch(int fd, unsigned events) {
    struct epoll_event event = {.events = events, .data.fd = fd};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0) fail("epoll_ctl");
}

static void pair(int client, int upstream_port) {
    int one = 1, upstream = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = loopback(upstream_port);
    if (upstream < 0 || upstream >= DESCRIPTORS || client >= DESCRIPTORS) fail("socket");
    if (connect(upstream, (struct sockaddr *)&address, sizeof address) < 0) fail("connect");
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(upstream, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    other[client] = upstream;
    other[upstream] = client;
    watch(client, EPOLLIN | EPOLLET);
    watch(upstream, EPOLLIN | EPOLLET);
}

static void carry(int fd) {
    for (;;) {
        ssize_t count = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
        if (count < 0 && errno == EAGAIN) return;
        if (count <= 0) {
            close(other[fd]);
            close(fd);
            return;
        }
        send(other[fd], bytes, count, MSG_NOSIGNAL);
        // Less than asked for: an event tells of more.
        if (count < (ssize_t)sizeof bytes) return;
    }
}

int main(int argc, char **argv) {
    if (argc != 3) fail("relay PORT UPSTREAM_PORT");
    int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = loopback(atoi(argv[1]));
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 4096) < 0) fail("listen");
    if ((epoll = epoll_create1(0)) < 0) fail("epoll_create1");
    watch(listener, EPOLLIN);
    for (;;) {
        struct epoll_event events[EVENTS];
        int count = epoll_wait(epoll, events, EVENTS, -1);
        for (int index = 0; index < count; index++) {
            int fd = events[index].data.fd;
            if (fd != listener) {
                carry(fd);
                continue;
            }
            int client = accept(listener, NULL, NULL);
            if (client >= 0) pair(client, atoi(argv[2]));
        }
    }
}
