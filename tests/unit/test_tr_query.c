/* The query language: tests/query_cases.txt, and what the table cannot say. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "query.h"
#include "reader.h"

enum { SUBJECTS_MAX = 32, FIELDS_MAX = 32 };

static struct named {
    char *name;
    struct tr_subject s;
    bool found;
} subjects[SUBJECTS_MAX];
static int subject_n;

/* ---- reading the table ---- */

static int state_of(const char *name)
{
    for (int c = 0; c < TR_CLASSES; c++)
        if (strcmp(name, tr_class_name((enum tr_class)c)) == 0)
            return c;
    cr_assert(false, "query_cases.txt: no state %s", name);
    return -1;
}

static void set_text(struct tr_subject *s, const char *key, char *value)
{
    const struct {
        const char *key;
        const char **text;
    } texts[] = {{"label", &s->label},      {"fn", &s->fn},       {"by_label", &s->by_label},
                 {"why", &s->why},          {"obj", &s->obj},     {"at_function", &s->at_function},
                 {"at_file", &s->at_file},  {"event", &s->event}, {"text", &s->text},
                 {"category", &s->category}};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (strcmp(texts[i].key, key) == 0) {
            *texts[i].text = value;
            return;
        }
    cr_assert(false, "query_cases.txt: no key %s", key);
}

static void set(struct tr_subject *s, const char *key, char *value)
{
    long long n = strtoll(value, NULL, 0);
    if (!strcmp(key, "g"))
        s->g = (uint64_t)n;
    else if (!strcmp(key, "by"))
        s->by = (uint64_t)n;
    else if (!strcmp(key, "addr"))
        s->addr = (uint64_t)n;
    else if (!strcmp(key, "at_line"))
        s->at_line = (int)n;
    else if (!strcmp(key, "p"))
        s->p = (int32_t)n;
    else if (!strcmp(key, "m"))
        s->m = n;
    else if (!strcmp(key, "begin"))
        s->begin = n;
    else if (!strcmp(key, "end"))
        s->end = n;
    else if (!strcmp(key, "blocked"))
        s->blocked = n != 0;
    else if (!strcmp(key, "state"))
        s->state = state_of(value);
    else
        set_text(s, key, value);
}

static void subject(char **field, int n, bool is_span)
{
    struct named *x = &subjects[subject_n++];
    cr_assert_leq(subject_n, SUBJECTS_MAX);
    *x = (struct named){field[1], {.state = -1, .p = -1, .m = -1, .is_span = is_span}, false};
    for (int i = 2; i < n; i++) {
        char *eq = strchr(field[i], '=');
        cr_assert_not_null(eq, "query_cases.txt: %s", field[i]);
        *eq = 0;
        set(&x->s, field[i], eq + 1);
    }
}

static void find(char **field, int n)
{
    struct tr_query_error err;
    struct tr_query *q = tr_query_make(field[1], &err);
    cr_expect_not_null(q, "%s: column %u: %s", field[1], err.column, err.message);
    for (int i = 0; q && i < subject_n; i++) {
        bool wanted = false;
        for (int k = 2; k < n; k++)
            wanted = wanted || strcmp(field[k], subjects[i].name) == 0;
        bool is = tr_query_matches(q, &subjects[i].s);
        cr_expect_eq(is, wanted, "%s %s %s", field[1], is ? "finds" : "misses", subjects[i].name);
        subjects[i].found = subjects[i].found || is;
    }
    tr_query_free(q);
}

static void fault(char **field, int n)
{
    struct tr_query_error err = {0};
    cr_assert_eq(n, 4);
    struct tr_query *q = tr_query_make(field[2], &err);
    cr_expect_null(q, "%s is taken", field[2]);
    cr_expect_eq(err.column, (unsigned)atoi(field[1]), "%s: column %u: %s", field[2], err.column,
                 err.message);
    cr_expect_not_null(strstr(err.message, field[3]), "%s: %s", field[2], err.message);
    cr_expect_null(strchr(err.message, '\n'));
    tr_query_free(q);
}

Test(query, the_table_of_cases)
{
    FILE *f = fopen(QUERY_CASES, "r");
    cr_assert_not_null(f, "%s", QUERY_CASES);
    char *line = NULL;
    size_t cap = 0;
    int cases = 0;
    while (getline(&line, &cap, f) > 0) {
        char *text = strdup(line), *field[FIELDS_MAX]; /* kept: subjects point into it */
        int n = 0;
        text[strcspn(text, "\n")] = 0;
        for (char *p = text; p && n < FIELDS_MAX; n++)
            field[n] = strsep(&p, "\t");
        if (!*text || *text == '#')
            continue;
        if (!strcmp(field[0], "find"))
            find(field, n);
        else if (!strcmp(field[0], "fault"))
            fault(field, n);
        else
            subject(field, n, !strcmp(field[0], "span"));
        cases++;
    }
    fclose(f);
    free(line);
    cr_expect_gt(cases, 100);
    for (int i = 0; i < subject_n; i++)
        cr_expect(subjects[i].found, "%s is never found", subjects[i].name);
}

Test(query, a_pattern_of_many_stars_takes_no_time)
{
    char text[2001], pattern[2001];
    memset(text, 'a', 2000);
    for (int i = 0; i < 2000; i++)
        pattern[i] = i % 2 ? '*' : 'a';
    text[2000] = pattern[2000] = 0;
    cr_expect(tr_pattern_matches(pattern, text));
    strcpy(pattern + 1996, "*b*");
    cr_expect_not(tr_pattern_matches(pattern, text));
}

Test(query, it_knows_what_depends_on_more_than_the_goroutine)
{
    static const struct {
        const char *text;
        bool spans;
    } cases[] = {{"", false}, {"g:7 or fn:x", false}, {"worker", true}, {"g:7 dur>1", true}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tr_query_error err;
        struct tr_query *q = tr_query_make(cases[i].text, &err);
        cr_assert_not_null(q);
        cr_expect_eq(tr_query_names_spans(q), cases[i].spans, "%s", cases[i].text);
        tr_query_free(q);
    }
    cr_expect_not(tr_query_names_spans(NULL));
}

Test(query, times)
{
    static const struct {
        const char *text;
        int64_t ns;
    } good[] = {{"0", 0},           {"7", 7},      {"1.5ms", 1500000}, {"20us", 20000},
                {"3s", 3000000000}, {".5us", 500}, {"2.ns", 2}};
    static const char *const bad[] = {"",    ".",   "ms",   "1 ms", "-1",
                                      "1e3", "nan", "0x10", "1m",   "10000000000s"};
    int64_t ns;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        cr_assert(tr_parse_time(good[i].text, strlen(good[i].text), &ns), "%s", good[i].text);
        cr_expect_eq(ns, good[i].ns, "%s", good[i].text);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        cr_expect_not(tr_parse_time(bad[i], strlen(bad[i]), &ns), "%s", bad[i]);
}
