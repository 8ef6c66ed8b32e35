/*
 * The settings, the script that changes them, and the faults that it plants.
 */
#include "internal.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_FAULTS 64
#define MAX_ATTRIBUTES 1024
#define MAX_WORDS 6

struct fault {
    enum function function;
    long long left; /* fires when it falls to 0 */
    CUresult code;
    bool later;
    bool sticky;
};

struct settings settings;
bool settings_are_bad;

static struct fault faults[MAX_FAULTS];
static int fault_count;
static struct {
    bool set;
    int value;
} attributes[MAX_ATTRIBUTES];
static _Thread_local char complaint[256];

uint64_t next_random(void) {
    uint64_t z = settings.random += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

bool attribute_of_script(int attribute, int *value) {
    if (attribute < 0 || attribute >= MAX_ATTRIBUTES || !attributes[attribute].set) return false;
    *value = attributes[attribute].value;
    return true;
}

bool attribute_is_off(int attribute) {
    int value = 1;
    return attribute_of_script(attribute, &value) && value == 0;
}

struct fired faults_fire(enum function function) {
    struct fired fired = {CUDA_SUCCESS, CUDA_SUCCESS, false};
    for (int i = 0; i < fault_count; i++) {
        struct fault *fault = &faults[i];
        if (fault->function != function || --fault->left != 0) continue;
        if (fault->later) {
            fired.later = fault->code;
        } else {
            fired.now = fault->code;
            fired.sticky = fault->sticky;
        }
        faults[i--] = faults[--fault_count];
    }
    return fired;
}

/* ---- The script ---- */

static bool parse_number(const char *word, long long *number) {
    char *end;
    errno = 0;
    *number = strtoll(word, &end, 10);
    return errno == 0 && end != word && *end == '\0';
}

static bool parse_size(const char *word, size_t *size) {
    static const char *const units[] = {"", "KiB", "MiB", "GiB", "TiB"};
    char *end;
    errno = 0;
    unsigned long long number = strtoull(word, &end, 10);
    if (errno != 0 || end == word || *word == '-') return false;
    for (unsigned i = 0; i < sizeof units / sizeof *units; i++) {
        if (strcmp(end, units[i]) == 0 && number <= SIZE_MAX >> 10 * i) {
            *size = (size_t)number << 10 * i;
            return true;
        }
    }
    return false;
}

static const char *set_devices(char **words, int count) {
    long long number;
    (void)count;
    if (!parse_number(words[1], &number) || number < 0 || number > MAX_DEVICES) return "wants a number from 0 to 16";
    for (int i = 0; i < MAX_DEVICES; i++) {
        if (devices[i].retained > 0) return "must come before a context is retained";
    }
    settings.devices = (int)number;
    return NULL;
}

static const char *set_size(size_t *setting, const char *word) {
    return parse_size(word, setting) ? NULL : "wants a size, like 4096, 64KiB or 8GiB";
}

static const char *set_memory(char **words, int count) {
    (void)count;
    return set_size(&settings.memory, words[1]);
}

static const char *set_bandwidth(char **words, int count) {
    (void)count;
    return set_size(&settings.bandwidth, words[1]);
}

static const char *set_fail_above(char **words, int count) {
    (void)count;
    return set_size(&settings.fail_above, words[1]);
}

static const char *set_version(char **words, int count) {
    long long number;
    (void)count;
    if (!parse_number(words[1], &number) || number < 0 || number > 1000000) return "wants a version, like 12080";
    settings.version = (int)number;
    return NULL;
}

static const char *set_late(char **words, int count) {
    long long number;
    (void)count;
    if (!parse_number(words[1], &number) || number < 0 || number > 60000000) return "wants microseconds";
    settings.late = number * 1000;
    return NULL;
}

static const char *set_attribute(char **words, int count) {
    long long number, value;
    (void)count;
    if (!parse_number(words[1], &number) || number < 1 || number >= MAX_ATTRIBUTES) return "wants an attribute's number";
    if (!parse_number(words[2], &value) || value < INT32_MIN || value > INT32_MAX) return "wants a value";
    attributes[number].set = true;
    attributes[number].value = (int)value;
    return NULL;
}

static const char *set_strict(char **words, int count) {
    (void)words, (void)count;
    settings.strict = true;
    return NULL;
}

static const char *set_no_peer(char **words, int count) {
    (void)words, (void)count;
    settings.no_peer = true;
    return NULL;
}

static const char *set_no_callbacks(char **words, int count) {
    (void)words, (void)count;
    settings.no_callbacks = true;
    return NULL;
}

static const char *set_capture(char **words, int count) {
    (void)words, (void)count;
    settings.capture = true;
    return NULL;
}

static const char *end_capture(char **words, int count) {
    (void)words, (void)count;
    settings.capture = false;
    return NULL;
}

static const char *set_stuck_waiters(char **words, int count) {
    (void)words, (void)count;
    settings.stuck_waiters = true;
    return NULL;
}

static const char *set_forked(char **words, int count) {
    (void)words, (void)count;
    settings.forked = true;
    return NULL;
}

static const char *set_hold(char **words, int count) {
    (void)words, (void)count;
    settings.hold = true;
    return NULL;
}

static const char *set_shuffle(char **words, int count) {
    long long seed;
    (void)count;
    if (!parse_number(words[1], &seed)) return "wants a seed";
    settings.shuffle = true;
    settings.random = (uint64_t)seed;
    return NULL;
}

static const char *lose(char **words, int count) {
    long long number;
    (void)count;
    if (!parse_number(words[1], &number) || number < 0 || number >= settings.devices) return "wants a device that exists";
    device_dies((int)number, CUDA_ERROR_LAUNCH_FAILED);
    return NULL;
}

static const char *plant(char **words, int count, bool later) {
    long long left, code;
    int function = function_named(words[1]);
    if (function < 0) return "names a function that is not bound";
    if (!parse_number(words[2], &left) || left < 1) return "wants which call, from 1";
    if (!parse_number(words[3], &code) || code < 1 || code > 999) return "wants a code from 1 to 999";
    if (later && !function_queues((enum function)function)) return "names a function that queues nothing on a stream";
    if (count == 5 && strcmp(words[4], "sticky") != 0) return "may end in 'sticky', nothing else";
    if (fault_count == MAX_FAULTS) return "is one fault too many";
    faults[fault_count++] = (struct fault){(enum function)function, left, (CUresult)code, later, count == 5};
    return NULL;
}

static const char *set_fail(char **words, int count) { return plant(words, count, false); }

static const char *set_fail_later(char **words, int count) { return plant(words, count, true); }

static const struct {
    const char *name;
    int least, most; /* words, with the name */
    const char *(*run)(char **words, int count);
} commands[] = {
    {"devices", 2, 2, set_devices},
    {"memory", 2, 2, set_memory},
    {"bandwidth", 2, 2, set_bandwidth},
    {"version", 2, 2, set_version},
    {"strict", 1, 1, set_strict},
    {"attribute", 3, 3, set_attribute},
    {"no-peer", 1, 1, set_no_peer},
    {"fail", 4, 5, set_fail},
    {"fail-later", 4, 4, set_fail_later},
    {"fail-above", 2, 2, set_fail_above},
    {"hold", 1, 1, set_hold},
    {"shuffle", 2, 2, set_shuffle},
    {"late", 2, 2, set_late},
    {"lose", 2, 2, lose},
    {"no-callbacks", 1, 1, set_no_callbacks},
    {"capture", 1, 1, set_capture},
    {"end-capture", 1, 1, end_capture},
    {"stuck-waiters", 1, 1, set_stuck_waiters},
    {"forked", 1, 1, set_forked},
};

static const char *run_command(char **words, int count) {
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(commands[i].name, words[0]) != 0) continue;
        if (count < commands[i].least || count > commands[i].most) return "has too few or too many words";
        return commands[i].run(words, count);
    }
    return "is no command";
}

/* Runs the command from begin to end. */
static const char *run_text(const char *begin, const char *end) {
    char text[256];
    char *words[MAX_WORDS];
    int count = 0;
    size_t length = (size_t)(end - begin);
    if (length >= sizeof text) return "A command is too long.";
    memcpy(text, begin, length);
    text[length] = '\0';
    char *rest = NULL;
    for (char *word = strtok_r(text, " \t\r", &rest); word != NULL; word = strtok_r(NULL, " \t\r", &rest)) {
        if (count == MAX_WORDS) return "A command has too many words.";
        words[count++] = word;
    }
    if (count == 0) return NULL;
    const char *wrong = run_command(words, count);
    if (wrong == NULL) return NULL;
    snprintf(complaint, sizeof complaint, "'%.*s' %s.", (int)(length < 120 ? length : 120), begin, wrong);
    return complaint;
}

static const char *settings_run(const char *script) {
    for (const char *begin = script; *begin != '\0';) {
        size_t length = strcspn(begin, ";\n");
        const char *wrong = run_text(begin, begin + length);
        if (wrong != NULL) return wrong;
        begin += length;
        if (*begin != '\0') begin++;
    }
    return NULL;
}

void settings_reset(void) {
    settings = (struct settings){.devices = 2, .memory = (size_t)8 << 30, .version = 13000};
    fault_count = 0;
    memset(attributes, 0, sizeof attributes);
    const char *script = getenv("KVFLUX_STUB");
    const char *wrong = script == NULL ? NULL : settings_run(script);
    settings_are_bad = wrong != NULL;
    if (wrong != NULL) fprintf(stderr, "KvFlux stand-in driver: KVFLUX_STUB: %s\n", wrong);
}

const char *kvflux_stub_script(const char *script) {
    lock();
    const char *wrong = settings_run(script);
    streams_wake();
    unlock();
    return wrong;
}
