// The load, and the upstream it ends at: as little work as can be, so that the server between them is what is measured.
//
//   load upstream PORT                answers 15 bytes, 10 MiB at /10m, and echoes after an upgrade; runs until ended
//   load requests PORT [options]      keep-alive requests, one outstanding on each connection
//   load websocket PORT [options]     64-byte messages echoed, one outstanding on each connection
//   load handshake PORT [options]     full TLS 1.3 handshakes, each closed by both sides before the next
//   load resumed PORT [options]       the same, resumed by ticket, with one request each
//
//   -c N connections (1)   -t TLS   -p PATH (/)   -H 'Name: value' (many)   -s SECONDS or -n COUNT, once started
//   -x N  X-Forwarded-For of one of N addresses, at random     -X N  the same, one after another
//
// A load opens its connections, does one operation on each, prints "ready" and waits for a line on its standard input.
// Then it runs, lets what is outstanding end, prints the operations done and the slowest one's microseconds, and keeps
// its connections open until its standard input ends. Whoever measures reads the server's clock at both lines.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { HEAD_SIZE = 8192, BODY_SIZE = 10 << 20, CHUNK = 256 << 10, EVENTS = 512, MESSAGE = 64 };
enum state { CONNECTED, SHAKING, HEAD, BODY, ECHOING, RESTING, CLOSING };
enum kind { REQUESTS, WEBSOCKET, HANDSHAKE, RESUMED };

struct connection {
    int fd;
    enum state state;
    SSL *ssl;
    SSL_SESSION *session;
    size_t held, missing;
    double began;
    char head[HEAD_SIZE];
};

static char chunk[CHUNK], request[HEAD_SIZE];
static size_t request_size;
static int port, epoll, want_tls;
static enum kind kind;
static SSL_CTX *context;
static long started, done, count_limit = -1, resumptions;
static double ends, slowest;
static unsigned addresses, in_order, next_address;

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

static void fail(const char *what) {
    fprintf(stderr, "load: %s%s%s\n", what, errno ? ": " : "", errno ? strerror(errno) : "");
    exit(1);
}

static void watch(int fd, void *data, unsigned events, int operation) {
    struct epoll_event event = {.events = events, .data.ptr = data};
    if (epoll_ctl(epoll, operation, fd, &event) < 0) fail("epoll_ctl");
}

static struct sockaddr_in local(int number) {
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(number), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static void no_delay(int fd) {
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
}

// The length of a head that is whole, or 0.
static size_t head_length(const char *head, size_t size) {
    const char *end = memmem(head, size, "\r\n\r\n", 4);
    return end ? end - head + 4 : 0;
}

// The upstream.

static void upstream_write(struct connection *peer) {
    while (peer->missing > 0) {
        size_t size = peer->missing < CHUNK ? peer->missing : CHUNK;
        ssize_t sent = write(peer->fd, chunk, size);
        if (sent < 0 && errno == EAGAIN) return watch(peer->fd, peer, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
        if (sent < 0) return;
        peer->missing -= sent;
    }
    if (peer->state == BODY) {
        watch(peer->fd, peer, EPOLLIN, EPOLL_CTL_MOD);
        peer->state = HEAD;
    }
}

static void upstream_answer(struct connection *peer) {
    char answer[512];
    const char *key = strcasestr(peer->head, "sec-websocket-key:");
    int length;
    if (key) {
        char joined[128];
        unsigned char digest[SHA_DIGEST_LENGTH], accept[32];
        if (sscanf(key + 18, " %64[^\r]", joined) != 1) fail("an upgrade without a key");
        strcat(joined, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
        SHA1((unsigned char *)joined, strlen(joined), digest);
        EVP_EncodeBlock(accept, digest, sizeof digest);
        length = snprintf(answer, sizeof answer,
                          "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                          "Sec-WebSocket-Accept: %s\r\n\r\n", accept);
        peer->state = ECHOING;
    } else {
        int large = !strncmp(peer->head, "GET /10m ", 9);
        length = snprintf(answer, sizeof answer,
                          "HTTP/1.1 200 OK\r\nServer: upstream\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\n"
                          "Content-Type: text/plain\r\nContent-Length: %d\r\nConnection: keep-alive\r\n\r\n%s",
                          large ? BODY_SIZE : 15, large ? "" : "a small answer\n");
        if (large) {
            peer->state = BODY;
            peer->missing = BODY_SIZE;
        }
    }
    if (write(peer->fd, answer, length) != length) peer->missing = 0;
    if (peer->state == BODY) upstream_write(peer);
}

static void upstream_close(struct connection *peer) {
    close(peer->fd);
    free(peer);
}

static void upstream_event(struct connection *peer, unsigned events) {
    if (events & EPOLLOUT) upstream_write(peer);
    if (!(events & (EPOLLIN | EPOLLERR | EPOLLHUP))) return;
    if (peer->state == ECHOING) {
        ssize_t size = read(peer->fd, peer->head, HEAD_SIZE);
        if (size <= 0 || write(peer->fd, peer->head, size) != size) upstream_close(peer);
        return;
    }
    ssize_t size = read(peer->fd, peer->head + peer->held, HEAD_SIZE - 1 - peer->held);
    if (size <= 0) {
        if (size == 0 || errno != EAGAIN) upstream_close(peer);
        return;
    }
    peer->held += size;
    peer->head[peer->held] = 0;
    if (head_length(peer->head, peer->held)) {
        peer->held = 0;
        upstream_answer(peer);
    }
}

static void upstream(void) {
    struct sockaddr_in address = local(port);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 4096) < 0) fail("listen");
    watch(listener, NULL, EPOLLIN, EPOLL_CTL_ADD);
    struct epoll_event events[EVENTS];
    for (;;) {
        int found = epoll_wait(epoll, events, EVENTS, -1);
        for (int index = 0; index < found; index++) {
            struct connection *peer = events[index].data.ptr;
            if (peer) {
                upstream_event(peer, events[index].events);
                continue;
            }
            int fd;
            while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
                no_delay(fd);
                if (!(peer = calloc(1, sizeof *peer))) fail("memory");
                peer->fd = fd;
                peer->state = HEAD;
                watch(fd, peer, EPOLLIN, EPOLL_CTL_ADD);
            }
        }
    }
}

// The load.

static int keep_session(SSL *ssl, SSL_SESSION *session) {
    struct connection *peer = SSL_get_app_data(ssl);
    SSL_SESSION_free(peer->session);
    peer->session = session;
    return 1;
}

static ssize_t receive(struct connection *peer, char *into, size_t size) {
    if (!peer->ssl) {
        ssize_t found = read(peer->fd, into, size);
        if (found < 0 && errno != EAGAIN) fail("read");
        return found;
    }
    int found = SSL_read(peer->ssl, into, size);
    if (found > 0) return found;
    int reason = SSL_get_error(peer->ssl, found);
    if (reason == SSL_ERROR_WANT_READ) return -1;
    if (reason == SSL_ERROR_ZERO_RETURN || peer->state == CLOSING) return 0;
    fail("TLS read");
    return 0;
}

static void transmit(struct connection *peer, const char *bytes, size_t size) {
    peer->began = now();
    started++;
    ssize_t sent = peer->ssl ? SSL_write(peer->ssl, bytes, size) : write(peer->fd, bytes, size);
    if (sent != (ssize_t)size) fail("write");
}

static void send_request(struct connection *peer) {
    char own[HEAD_SIZE];
    const char *bytes = request;
    size_t size = request_size;
    if (addresses) {
        static unsigned random = 2463534242;
        random ^= random << 13, random ^= random >> 17, random ^= random << 5;
        unsigned address = 0x64646464 + (in_order ? next_address++ : random) % addresses;
        memcpy(own, request, size - 2);
        size += sprintf(own + size - 2, "X-Forwarded-For: %u.%u.%u.%u\r\n\r\n", address >> 24, address >> 16 & 255,
                        address >> 8 & 255, address & 255) - 2;
        bytes = own;
    }
    peer->held = 0;
    peer->state = HEAD;
    transmit(peer, bytes, size);
}

static void send_message(struct connection *peer) {
    static const char message[MESSAGE] = {'\x82', '\xba', 1, 2, 3, 4};  // Binary, masked, 58 bytes.
    peer->missing = MESSAGE;
    peer->state = ECHOING;
    transmit(peer, message, MESSAGE);
}

static void came(struct connection *peer);

static void begin(struct connection *peer) {
    struct sockaddr_in address = local(port);
    peer->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (peer->fd < 0 || connect(peer->fd, (struct sockaddr *)&address, sizeof address) < 0) fail("connect");
    no_delay(peer->fd);
    fcntl(peer->fd, F_SETFL, O_NONBLOCK);
    watch(peer->fd, peer, EPOLLIN, EPOLL_CTL_ADD);
    peer->state = CONNECTED;
    if (!want_tls) return send_request(peer);
    peer->ssl = SSL_new(context);
    SSL_set_fd(peer->ssl, peer->fd);
    SSL_set_app_data(peer->ssl, peer);
    SSL_set_tlsext_host_name(peer->ssl, "localhost");
    SSL_set_connect_state(peer->ssl);
    if (kind == RESUMED && peer->session) SSL_set_session(peer->ssl, peer->session);
    peer->state = SHAKING;
    if (kind >= HANDSHAKE) {
        peer->began = now();
        started++;
    }
    came(peer);
}

static int may_start(void) {
    return count_limit >= 0 ? started < count_limit : now() < ends;
}

// An operation has ended; starts the next one if there is to be one.
static void ended(struct connection *peer) {
    double took = now() - peer->began;
    if (took > slowest) slowest = took;
    done++;
    peer->state = RESTING;
    if (!may_start()) return;
    if (kind == REQUESTS) send_request(peer);
    if (kind == WEBSOCKET) send_message(peer);
    if (kind >= HANDSHAKE) begin(peer);
}

static void close_both_ways(struct connection *peer) {
    peer->state = CLOSING;
    SSL_shutdown(peer->ssl);
    shutdown(peer->fd, SHUT_WR);
}

// Takes what came of a reply's head into account; whether the reply is whole.
static int head_came(struct connection *peer, size_t size) {
    size_t room = HEAD_SIZE - 1 - peer->held, kept = size < room ? size : room;
    memcpy(peer->head + peer->held, chunk, kept);
    peer->held += kept;
    peer->head[peer->held] = 0;
    size_t length = head_length(peer->head, peer->held);
    if (!length && kept < size) fail("a head too large");
    if (!length) return 0;
    const char *expected = kind == WEBSOCKET ? "HTTP/1.1 101 " : "HTTP/1.1 200 ";
    if (strncmp(peer->head, expected, 13)) {
        fprintf(stderr, "load: answered %.30s\n", peer->head);
        exit(1);
    }
    const char *field = strcasestr(peer->head, "\r\ncontent-length:");
    size_t body = field ? strtoul(field + 17, NULL, 10) : 0;
    peer->missing = body - (peer->held - kept + size - length);
    peer->state = BODY;
    return peer->missing == 0;
}

static void came(struct connection *peer) {
    if (peer->state == SHAKING) {
        int result = SSL_do_handshake(peer->ssl);
        if (result != 1) {
            if (SSL_get_error(peer->ssl, result) != SSL_ERROR_WANT_READ) fail("handshake");
            return;
        }
        if (kind == HANDSHAKE) return close_both_ways(peer);
        resumptions += SSL_session_reused(peer->ssl);
        started -= kind == RESUMED;  // The request counts it again.
        return send_request(peer);
    }
    for (;;) {
        ssize_t size = receive(peer, chunk, CHUNK);
        if (size < 0) return;
        if (size == 0) {
            if (peer->state != CLOSING) fail("the server closed a connection");
            SSL_free(peer->ssl);
            close(peer->fd);
            peer->ssl = NULL;
            return ended(peer);
        }
        int whole = 0;
        if (peer->state == HEAD) whole = head_came(peer, size);
        else if (peer->state == BODY || peer->state == ECHOING) whole = (peer->missing -= size) == 0;
        if (whole && kind == RESUMED) return close_both_ways(peer);
        if (whole) return ended(peer);
    }
}

static void run_until(struct connection *only, long wanted) {
    struct epoll_event events[EVENTS];
    while (only ? only->state != RESTING : done < wanted) {
        int found = epoll_wait(epoll, events, EVENTS, 30000);
        if (found == 0) fail("30 s without an answer");
        for (int index = 0; index < found; index++) came(events[index].data.ptr);
        if (!only && count_limit < 0) wanted = may_start() ? done + 1 : started;
    }
}

static void load(int connections, double seconds, long count) {
    struct connection *all = calloc(connections, sizeof *all);
    char line[16];
    if (!all) fail("memory");
    count_limit = 0;  // One operation each.
    for (int index = 0; index < connections; index++) {
        begin(&all[index]);
        run_until(&all[index], 0);
        if (kind != WEBSOCKET) continue;
        send_message(&all[index]);
        run_until(&all[index], 0);
    }
    puts("ready");
    fflush(stdout);
    if (!fgets(line, sizeof line, stdin)) return;
    started = done = resumptions = 0;
    slowest = 0;
    count_limit = count;
    ends = now() + seconds;
    for (int index = 0; index < connections && may_start(); index++) {
        if (kind == REQUESTS) send_request(&all[index]);
        if (kind == WEBSOCKET) send_message(&all[index]);
        if (kind >= HANDSHAKE) begin(&all[index]);
    }
    run_until(NULL, count >= 0 ? count : 1);
    if (kind == RESUMED && resumptions < done) fail("not all were resumed");
    printf("%ld %.0f\n", done, slowest * 1e6);
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {}
}

int main(int argc, char **argv) {
    const char *kinds[] = {"requests", "websocket", "handshake", "resumed"}, *path = "/";
    char fields[HEAD_SIZE / 2] = "";
    int connections = 1, option;
    double seconds = 0;
    long count = -1;
    signal(SIGPIPE, SIG_IGN);
    if (argc < 3) {
        fputs("usage: load upstream|requests|websocket|handshake|resumed PORT [options]: see load.c\n", stderr);
        return 2;
    }
    port = atoi(argv[2]);
    epoll = epoll_create1(0);
    if (!strcmp(argv[1], "upstream")) upstream();
    for (int index = 0; index < 4; index++) kind = strcmp(argv[1], kinds[index]) ? kind : (enum kind)index;
    want_tls = kind >= HANDSHAKE;
    optind = 3;
    while ((option = getopt(argc, argv, "c:tp:H:s:n:x:X:")) != -1) {
        if (option == 'c') connections = atoi(optarg);
        else if (option == 't') want_tls = 1;
        else if (option == 'p') path = optarg;
        else if (option == 's') seconds = atof(optarg);
        else if (option == 'n') count = atol(optarg);
        else if (option == 'x' || option == 'X') addresses = atoi(optarg), in_order = option == 'X';
        else if (option == 'H' && strlen(fields) + strlen(optarg) + 3 < sizeof fields)
            strcat(strcat(fields, optarg), "\r\n");
        else return 2;
    }
    if (kind == WEBSOCKET) {
        path = "/ws";
        strcat(fields, "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                       "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n");
    }
    request_size = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n", path, fields);
    // One suite and one group, so that all servers do the same arithmetic.
    context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
    SSL_CTX_set_ciphersuites(context, "TLS_AES_256_GCM_SHA384");
    SSL_CTX_set1_groups_list(context, "X25519");
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_default_read_buffer_len(context, 64 << 10);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, keep_session);
    errno = 0;
    load(connections, seconds, count);
    return 0;
}
