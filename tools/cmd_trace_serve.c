/* cmd_trace_serve.c - goshawk trace serve FILE: the page of a trace that is too large for one page.
 *
 * A server for one trace and one user.  It listens on 127.0.0.1 alone, and its addresses begin with
 * a random word of 128 bits that is printed once: another user of the machine cannot guess it, and
 * a page of somebody else's that is open in the same browser cannot either (the Host header must be
 * ours, which keeps names away that are made to lead here).  It knows three things below that word
 * and opens no file but the trace:
 *
 *     /WORD/        the page, with every detail of the window ?from=1.5ms&to=2ms
 *     /WORD/data    what lies in that page as data (pack.h), alone
 *     /WORD/info    length and state of the trace, as JSON
 *
 * Each answer is made by a process of its own, which writes the page as `goshawk trace view` does
 * into a temporary file that has no name any more when it is sent: a slow reader holds up nobody,
 * and memory is that of one window. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "cmd.h"
#include "http.h"
#include "trace_args.h"
#include "trace_file.h"
#include "view/page.h"

enum { WORD = 32, ANSWERS_MAX = 4, WAIT_MS = 10000, MESSAGE_MAX = 2048, BLOCK = 1 << 16 };

struct server {
    const char *cmd;
    char *file;
    char word[WORD + 1];
    int listens;
    unsigned port, answers; /* answers: processes that are at work */
};

/* ---- sending ---- */

static bool send_all(int fd, const void *p, size_t n)
{
    const char *c = p;
    while (n > 0) {
        ssize_t done = send(fd, c, n, MSG_NOSIGNAL);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return false;
        c += done;
        n -= (size_t)done;
    }
    return true;
}

static void answer(int fd, const struct http_request *x, int status, const char *type,
                   const char *text)
{
    char head[1024];
    size_t n = http_head(head, sizeof(head), status, type, strlen(text));
    if (send_all(fd, head, n) && !x->head)
        send_all(fd, text, strlen(text));
}

static void refuse(int fd, const struct http_request *x, int status, const char *why)
{
    answer(fd, x, status, "text/plain; charset=utf-8", why);
}

/* The bytes [from, to) of file. */
static bool send_file(int fd, int file, uint64_t from, uint64_t to)
{
    char *block = cmd_alloc(BLOCK);
    bool well = lseek(file, (off_t)from, SEEK_SET) >= 0;
    while (well && from < to) {
        size_t want = to - from < BLOCK ? (size_t)(to - from) : BLOCK;
        ssize_t n = read(file, block, want);
        well = n > 0 && send_all(fd, block, (size_t)n);
        from += n > 0 ? (uint64_t)n : 0;
    }
    free(block);
    return well;
}

/* ---- the page ---- */

/* In the page: a button that loads what is on the screen again, with every detail. */
static const char button[] =
    "<button type=\"button\" id=\"serve\" style=\"position:fixed;right:1em;bottom:1em;z-index:9;"
    "font:inherit;padding:.3em .8em\" title=\"load the visible window with every detail\">"
    "all detail here</button>\n<script>\n"
    "document.getElementById('serve').onclick = () => {\n"
    "    const t = /[#&]t=(\\d+)-(\\d+)/.exec(location.hash);\n"
    "    location.href = t ? `?from=${t[1]}ns&to=${t[2]}ns#t=${t[1]}-${t[2]}` : '?';\n"
    "};\n</script>\n";

static const char body_end[] = "</body>";

/* Writes the page of the window to path.  Returns the exit code of view, what it said in
 * message. */
static int make_page(const struct server *s, const char *path, const char *from, const char *to,
                     char message[MESSAGE_MAX])
{
    char *argv[] = {cmd_strdup("goshawk trace view"),
                    cmd_strdup("-o"),
                    (char *)path,
                    s->file,
                    NULL,
                    NULL,
                    NULL};
    int argc = 4, pipes[2], null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (from)
        argv[argc++] = cmd_printf("--from=%s", from);
    if (to)
        argv[argc++] = cmd_printf("--to=%s", to);
    if (null < 0 || pipe2(pipes, O_CLOEXEC | O_NONBLOCK) != 0)
        return CMD_FAILED;
    dup2(null, STDOUT_FILENO);
    dup2(pipes[1], STDERR_FILENO);
    int code = cmd_trace_view(argc, argv);
    fflush(stdout);
    fflush(stderr);
    ssize_t n = read(pipes[0], message, MESSAGE_MAX - 1);
    message[n > 0 ? n : 0] = 0;
    close(pipes[0]);
    return code;
}

/* Opens a page without a name, or returns -1 with a message. */
static int page_of(const struct server *s, const char *from, const char *to,
                   char message[MESSAGE_MAX])
{
    const char *tmp = getenv("TMPDIR");
    char *folder = cmd_printf("%s/goshawk-serve-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    snprintf(message, MESSAGE_MAX, "no temporary file can be made in %s", folder);
    if (!mkdtemp(folder))
        return -1;
    char *path = cmd_printf("%s/page.html", folder);
    int code = make_page(s, path, from, to, message);
    int file = code == CMD_OK ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    unlink(path);
    rmdir(folder);
    return file;
}

/* Where the page ends: before the last </body>, which has to be near its end. */
static uint64_t body_of(int file, uint64_t size)
{
    char tail[256];
    uint64_t from = size > sizeof(tail) ? size - sizeof(tail) : 0;
    ssize_t n = pread(file, tail, sizeof(tail), (off_t)from);
    char *at = n > 0 ? memmem(tail, (size_t)n, body_end, sizeof(body_end) - 1) : NULL;
    return at ? from + (uint64_t)(at - tail) : size;
}

static void send_page(int fd, const struct http_request *x, int file, uint64_t size)
{
    char head[1024];
    uint64_t body = body_of(file, size);
    size_t n =
        http_head(head, sizeof(head), 200, "text/html; charset=utf-8", size + sizeof(button) - 1);
    if (send_all(fd, head, n) && !x->head && send_file(fd, file, 0, body) &&
        send_all(fd, button, sizeof(button) - 1))
        send_file(fd, file, body, size);
}

static void send_data(int fd, const struct http_request *x, int file, uint64_t size)
{
    char head[1024];
    uint64_t end = size > page_tail_len ? size - page_tail_len : 0;
    uint64_t begin = page_head_len < end ? page_head_len : end;
    size_t n = http_head(head, sizeof(head), 200, "text/plain; charset=us-ascii", end - begin);
    if (send_all(fd, head, n) && !x->head)
        send_file(fd, file, begin, end);
}

static void answer_page(const struct server *s, int fd, const struct http_request *x, bool data)
{
    char from[HTTP_VALUE_MAX], to[HTTP_VALUE_MAX], message[MESSAGE_MAX];
    const char *a = http_value(x->query, "from", from), *b = http_value(x->query, "to", to);
    int64_t ns;
    struct stat st;
    if ((a && !tr_parse_time(a, strlen(a), &ns)) || (b && !tr_parse_time(b, strlen(b), &ns))) {
        refuse(fd, x, 400, "from and to are times such as 1.5ms\n");
        return;
    }
    int file = page_of(s, a, b, message);
    if (file < 0)
        refuse(fd, x, 500, message);
    else if (fstat(file, &st) == 0)
        (data ? send_data : send_page)(fd, x, file, (uint64_t)st.st_size);
}

/* ---- the trace ---- */

static void json_text(FILE *f, const char *text)
{
    fputc('"', f);
    for (const unsigned char *c = (const unsigned char *)text; *c; c++)
        if (*c < ' ' || *c == '"' || *c == '\\')
            fprintf(f, "\\u%04x", *c);
        else
            fputc(*c, f);
    fputc('"', f);
}

static void answer_info(const struct server *s, int fd, const struct http_request *x)
{
    char err[TR_ERR_MAX], verdict[TR_ERR_MAX], *text = NULL;
    size_t n;
    struct tr_reader *r;
    if (tr_reader_open(s->file, &r, err) != 0) {
        refuse(fd, x, 500, err);
        return;
    }
    const struct tr_info *info = tr_reader_info(r);
    tr_reader_verdict(r, verdict, sizeof(verdict));
    FILE *f = open_memstream(&text, &n);
    if (f) {
        fprintf(f, "{\"end_ns\":%lld,\"file_size\":%llu,\"running\":%s,\"verdict\":",
                (long long)info->end_ns, (unsigned long long)info->file_size,
                info->end == TR_END_RUNNING ? "true" : "false");
        json_text(f, verdict);
        fputs("}\n", f);
        fclose(f);
        answer(fd, x, 200, "application/json", text);
    }
    free(text);
    tr_reader_close(r);
}

/* ---- one request ---- */

static bool read_request(int fd, struct http_request *x)
{
    while (http_wants_more(x)) {
        struct pollfd p = {fd, POLLIN, 0};
        if (poll(&p, 1, WAIT_MS) != 1)
            return false;
        ssize_t n = recv(fd, x->bytes + x->n, HTTP_REQUEST_MAX - x->n, 0);
        if (n <= 0)
            return false;
        x->n += (size_t)n;
    }
    return true;
}

static bool is_our_name(const struct server *s, const char *host)
{
    static const char *const names[] = {"127.0.0.1", "localhost"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char ours[32];
        snprintf(ours, sizeof(ours), "%s:%u", names[i], s->port);
        if (strcmp(host, ours) == 0)
            return true;
    }
    return false;
}

static void serve_one(const struct server *s, int fd)
{
    static struct http_request x;
    struct timeval limit = {.tv_sec = WAIT_MS / 1000};
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    if (!read_request(fd, &x))
        return;
    int status = http_parse(&x);
    const char *rest = status ? "" : x.path + 1 + strcspn(x.path + 1, "/");
    if (status)
        refuse(fd, &x, status, "GET it\n");
    else if (!is_our_name(s, x.host))
        refuse(fd, &x, 403, "not under this name\n");
    else if (!http_same_secret(x.path + 1, (size_t)(rest - x.path - 1), s->word))
        refuse(fd, &x, 403, "the address that goshawk trace serve printed is longer\n");
    else if (strcmp(rest, "/") == 0 || strcmp(rest, "/data") == 0)
        answer_page(s, fd, &x, rest[1] == 'd');
    else if (strcmp(rest, "/info") == 0)
        answer_info(s, fd, &x);
    else
        refuse(fd, &x, 404, "there is only the page, data and info\n");
}

/* ---- the server ---- */

static int begin(struct server *s, unsigned port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    socklen_t n = sizeof(a);
    unsigned char random[WORD / 2];
    int yes = 1;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
        return -EAGAIN;
    for (size_t i = 0; i < sizeof(random); i++)
        snprintf(s->word + 2 * i, 3, "%02x", random[i]);
    s->listens = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s->listens < 0)
        return -errno;
    setsockopt(s->listens, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    if (bind(s->listens, (struct sockaddr *)&a, sizeof(a)) != 0 || listen(s->listens, 16) != 0 ||
        getsockname(s->listens, (struct sockaddr *)&a, &n) != 0)
        return -errno;
    s->port = ntohs(a.sin_port);
    return 0;
}

/* Waits for answers that have been given, for one at least when there are too many. */
static void collect(struct server *s)
{
    while (s->answers > 0 && waitpid(-1, NULL, s->answers < ANSWERS_MAX ? WNOHANG : 0) > 0)
        s->answers--;
}

static void serve(struct server *s)
{
    pid_t server = getpid();
    for (;;) {
        collect(s);
        int fd = accept4(s->listens, NULL, NULL, SOCK_CLOEXEC);
        pid_t child = fd < 0 ? -1 : fork();
        if (child == 0) {
            prctl(PR_SET_PDEATHSIG, SIGTERM); /* no answer outlives the server */
            if (getppid() == server)
                serve_one(s, fd);
            _exit(0);
        }
        s->answers += child > 0;
        if (fd >= 0)
            close(fd);
        else if (errno != EINTR && errno != ECONNABORTED)
            return;
    }
}

int cmd_trace_serve(int argc, char **argv)
{
    struct trace_args a;
    struct tr_reader *r;
    struct server s = {.cmd = argv[0]};
    const char *port = NULL, *file = NULL;
    const struct trace_option more[] = {{"--port", &port, NULL}, {0}};
    unsigned long number = 0;
    int code = trace_args_read(argc, argv, &a, "", more);
    if (code == CMD_OK && !(file = trace_args_file(argv[0], &a)))
        code = CMD_WRONG_USE;
    if (code == CMD_OK && port)
        code = trace_args_number(argv[0], "--port", port, 1, 65535, &number);
    if (code == CMD_OK)
        code = trace_file_open_path(argv[0], file, &r);
    if (code != CMD_OK)
        return code;
    tr_reader_close(r); /* it is one; every answer opens it anew */
    s.file = realpath(file, NULL);
    int err = s.file ? begin(&s, (unsigned)number) : -errno;
    if (err)
        return cmd_failed(argv[0], "cannot listen on 127.0.0.1: %s", strerror(-err));
    printf("http://127.0.0.1:%u/%s/\nfor this machine only; ctrl-C ends it\n", s.port, s.word);
    fflush(stdout);
    serve(&s);
    return cmd_failed(argv[0], "cannot listen any more: %s", strerror(errno));
}
