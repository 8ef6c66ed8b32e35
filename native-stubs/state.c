/*
 * The lock, what every call does first and last, handles, and the list of violations.
 */
#include "internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t change = PTHREAD_COND_INITIALIZER;
static _Thread_local struct thread_state this_thread;
static unsigned epoch = 1;
static bool in_forked_child;

void lock(void) { pthread_mutex_lock(&mutex); }

void unlock(void) { pthread_mutex_unlock(&mutex); }

void wait_for_change(void) { pthread_cond_wait(&change, &mutex); }

void tell_change(void) { pthread_cond_broadcast(&change); }

void wait_on(pthread_cond_t *condition, int64_t until) {
    if (until == 0) {
        pthread_cond_wait(condition, &mutex);
        return;
    }
    struct timespec time = {.tv_sec = until / 1000000000, .tv_nsec = until % 1000000000};
    pthread_cond_timedwait(condition, &mutex, &time);
}

static void forget_all_in_child(void) { in_forked_child = true; }

__attribute__((constructor)) static void begin(void) {
    pthread_atfork(NULL, NULL, forget_all_in_child);
    settings_reset();
}

/* ---- Functions ---- */

#define TYPE(name, bytes)
#define FUNCTION(set, name, parameters) {#name, #parameters},
#define CONSTANT(name, value)
#define STRUCT(name, bytes)
#define FIELD(name, member, offset)
static const struct {
    const char *name;
    const char *parameters;
} functions[] = {
#include "driver.def"
};

static long long calls[FUNCTIONS];

const char *function_name(enum function function) { return functions[function].name; }

int function_named(const char *name) {
    for (int i = 0; i < FUNCTIONS; i++) {
        if (strcmp(functions[i].name, name) == 0) return i;
    }
    return -1;
}

bool function_queues(enum function function) {
    const char *name = functions[function].name;
    bool asks = strncmp(name, "cuStream", 8) == 0 && strcmp(name, "cuStreamWaitEvent") != 0;
    return !asks && strstr(functions[function].parameters, "CUstream stream") != NULL;
}

long long kvflux_stub_calls(const char *function) {
    int index = function_named(function);
    if (index < 0) return -1;
    lock();
    long long count = calls[index];
    unlock();
    return count;
}

/* ---- Calls ---- */

struct thread_state *thread_state(void) {
    if (this_thread.epoch != epoch) {
        bool in_host_function = this_thread.in_host_function;
        this_thread = (struct thread_state){.epoch = epoch, .in_host_function = in_host_function};
    }
    return &this_thread;
}

static CUresult context_needed(struct thread_state *thread, enum needs needs) {
    CUresult result = current_device(&thread->device);
    if (result != CUDA_SUCCESS) return result;
    CUresult sticky = devices[thread->device].sticky;
    if (needs == CONTEXT) return sticky;
    thread->dead = sticky;
    return CUDA_SUCCESS;
}

/* What the driver lists as potentially unsafe while a graph is captured in global mode anywhere in the process. */
static bool unsafe_in_a_capture(enum function function) {
    switch (function) {
        case F_cuEventQuery:
        case F_cuEventSynchronize:
        case F_cuStreamQuery:
        case F_cuStreamSynchronize:
        case F_cuMemAlloc_v2:
        case F_cuMemFree_v2:
        case F_cuMemHostAlloc:
        case F_cuMemFreeHost:
        case F_cuMemHostRegister_v2:
        case F_cuMemHostUnregister: return true;
        default: return false;
    }
}

static bool breaks_a_capture(enum function function) {
    if (!settings.capture || !unsafe_in_a_capture(function)) return false;
    if (thread_state()->capture_mode == CU_STREAM_CAPTURE_MODE_RELAXED) return false;
    violation("%s breaks the capture of somebody else: the thread's capture mode is not relaxed", function_name(function));
    return true;
}

static CUresult may_go_on(enum function function, enum needs needs) {
    struct thread_state *thread = thread_state();
    thread->function = function;
    thread->dead = CUDA_SUCCESS;
    thread->later = CUDA_SUCCESS;
    if (settings.forked) return CUDA_ERROR_NOT_INITIALIZED;
    calls[function]++;
    struct fired fault = faults_fire(function);
    if (fault.sticky) {
        int device = 0;
        current_device(&device);
        device_dies(device, fault.now);
    }
    if (fault.now != CUDA_SUCCESS) return fault.now;
    if (thread->in_host_function) {
        violation("%s was called from a host function", function_name(function));
        return ERROR_NOT_PERMITTED;
    }
    if (needs == NOTHING) return CUDA_SUCCESS;
    if (!initialised) return CUDA_ERROR_NOT_INITIALIZED;
    CUresult result = needs == INITIALISED ? CUDA_SUCCESS : context_needed(thread, needs);
    if (result == CUDA_SUCCESS && breaks_a_capture(function)) return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
    thread->later = fault.later;
    return result;
}

CUresult enter(enum function function, enum needs needs) {
    if (in_forked_child) return CUDA_ERROR_NOT_INITIALIZED;
    lock();
    CUresult result = may_go_on(function, needs);
    if (result != CUDA_SUCCESS) unlock();
    return result;
}

CUresult leave(CUresult result) {
    CUresult dead = this_thread.dead;
    unlock();
    return dead != CUDA_SUCCESS ? dead : result;
}

/* ---- Violations ---- */

static char violations[64 << 10];
static size_t violations_length;

void violation(const char *format, ...) {
    if (!settings.strict) return;
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (length <= 0) return;
    fprintf(stderr, "KvFlux stand-in driver: %s\n", line);
    size_t added = strlen(line);
    if (violations_length + added + 1 >= sizeof violations) return;
    /* Who reads the text meanwhile finds its old end, until the first letter of the new line takes that away. */
    char *end = violations + violations_length;
    memcpy(end + 1, line + 1, added - 1);
    end[added] = '\n';
    __atomic_store_n(end, line[0], __ATOMIC_RELEASE);
    violations_length += added + 1;
}

const char *kvflux_stub_violations(void) { return violations; }

/* ---- Handles ---- */

struct slot {
    void *object;
    uint64_t handle;
    uint32_t generation;
};

static struct slot *slots;
static size_t slot_count, slot_capacity;
static size_t *free_slots;
static size_t free_slot_count;

/* No handle is an address that anyone could read: the kind lies in bits that addresses do not have. */
uint64_t handle_create(enum handle_kind kind, void *object) {
    if (free_slot_count == 0 && slot_count == slot_capacity) {
        slot_capacity = slot_capacity == 0 ? 64 : 2 * slot_capacity;
        slots = realloc(slots, slot_capacity * sizeof *slots);
        free_slots = realloc(free_slots, slot_capacity * sizeof *free_slots);
        if (slots == NULL || free_slots == NULL) abort();
    }
    size_t index;
    if (free_slot_count > 0) {
        index = free_slots[--free_slot_count];
    } else {
        index = slot_count++;
        slots[index] = (struct slot){.generation = 0};
    }
    struct slot *slot = &slots[index];
    slot->generation++;
    slot->object = object;
    slot->handle = (uint64_t)kind << 56 | (uint64_t)(slot->generation & 0xffffff) << 32 | (uint64_t)index << 4 | 8;
    return slot->handle;
}

static struct slot *slot_of(uint64_t handle) {
    size_t index = (handle & 0xffffffff) >> 4;
    return index < slot_count && slots[index].object != NULL && slots[index].handle == handle ? &slots[index] : NULL;
}

void *handle_find(enum handle_kind kind, uint64_t handle) {
    struct slot *slot = slot_of(handle);
    return slot != NULL && handle >> 56 == (uint64_t)kind ? slot->object : NULL;
}

void handle_destroy(uint64_t handle) {
    struct slot *slot = slot_of(handle);
    if (slot == NULL) return;
    slot->object = NULL;
    free_slots[free_slot_count++] = (size_t)(slot - slots);
}

bool handle_is_stale(uint64_t handle) {
    size_t index = (handle & 0xffffffff) >> 4;
    return handle >> 56 != 0 && index < slot_count && slot_of(handle) == NULL
        && (handle >> 32 & 0xffffff) <= slots[index].generation;
}

void handle_each(enum handle_kind kind, void (*visit)(uint64_t handle, void *object, void *argument), void *argument) {
    for (size_t i = 0; i < slot_count; i++) {
        if (slots[i].object != NULL && slots[i].handle >> 56 == (uint64_t)kind) {
            visit(slots[i].handle, slots[i].object, argument);
        }
    }
}

static void count_one(uint64_t handle, void *object, void *argument) {
    (void)handle;
    (void)object;
    ++*(long long *)argument;
}

static long long handle_count(enum handle_kind kind) {
    long long count = 0;
    handle_each(kind, count_one, &count);
    return count;
}

/* ---- Reset and counts ---- */

void kvflux_stub_reset(void) {
    if (in_forked_child) return;
    lock();
    streams_end();
    handle_each(HANDLE_EVENT, event_drop, NULL);
    handle_each(HANDLE_MODULE, module_drop, NULL);
    ranges_reset();
    memories_reset();
    device_reset();
    memset(calls, 0, sizeof calls);
    violations_length = 0;
    memset(violations, 0, sizeof violations);
    epoch++;
    settings_reset();
    unlock();
}

static const char *const kinds[] = {"allocations", "registrations", "hostAllocations", "streams", "events", "modules",
    "contexts", "reservations", "handles", "mappings", "operations"};

static long long live(size_t kind) {
    long long contexts = 0;
    for (int i = 0; i < MAX_DEVICES; i++) contexts += devices[i].retained;
    switch (kind) {
        case 0: return range_count(&areas, ALLOCATION);
        case 1: return range_count(&hosts, HOST_REGISTRATION);
        case 2: return range_count(&hosts, HOST_ALLOCATION);
        case 3: return handle_count(HANDLE_STREAM);
        case 4: return handle_count(HANDLE_EVENT);
        case 5: return handle_count(HANDLE_MODULE);
        case 6: return contexts;
        case 7: return range_count(&areas, RESERVATION);
        case 8: return handle_count(HANDLE_MEMORY);
        case 9: return range_count(&mappings, MAPPING);
        default: return operations_alive;
    }
}

long long kvflux_stub_live(const char *kind) {
    bool all = strcmp(kind, "all") == 0;
    long long found = all ? 0 : -1;
    lock();
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (all) {
            found += live(i);
        } else if (strcmp(kinds[i], kind) == 0) {
            found = live(i);
        }
    }
    unlock();
    return found;
}
