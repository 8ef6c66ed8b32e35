/*
 * Operations and the threads that run them: one a stream, in order, with the modes that tests ask for.
 */
#define _GNU_SOURCE
#include "internal.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LARGEST_PAUSE 100000 /* ns before an operation in a shuffle, so that others have come by then */

long long operations_alive;

static struct stream *streams;
static uint64_t sequence;
static bool ending; /* the reset lets everything run, without delay and without host functions */
static pthread_mutex_t releasing = PTHREAD_MUTEX_INITIALIZER;

int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* ---- Operations ---- */

struct operation *operation_create(enum operation_kind kind) {
    struct operation *operation = calloc(1, sizeof *operation);
    if (operation == NULL) abort();
    operation->kind = kind;
    return operation;
}

static void *grown(void *items, size_t count, size_t *capacity, size_t size) {
    if (count < *capacity) return items;
    *capacity = *capacity == 0 ? 2 : 2 * *capacity;
    items = realloc(items, *capacity * size);
    if (items == NULL) abort();
    return items;
}

void operation_add(struct operation *operation, struct piece piece) {
    operation->pieces =
        grown(operation->pieces, operation->piece_count, &operation->piece_capacity, sizeof *operation->pieces);
    operation->pieces[operation->piece_count++] = piece;
}

/* Neighbouring pieces mostly lie in the same two ranges, which are then noted once. */
void operation_use(struct operation *operation, struct range *range) {
    size_t count = operation->use_count;
    if (count > 0 && operation->uses[count - 1] == range) return;
    if (count > 1 && operation->uses[count - 2] == range) return;
    operation->uses = grown(operation->uses, count, &operation->use_capacity, sizeof *operation->uses);
    operation->uses[operation->use_count++] = range;
    range->users++;
}

void operation_discard(struct operation *operation) {
    for (size_t i = 0; i < operation->use_count; i++) {
        struct range *range = operation->uses[i];
        if (--range->users == 0 && range->goes_when_idle) range_drop(range);
    }
    for (size_t i = 0; i < operation->staged_count; i++) free(operation->staged[i]);
    if (operation->point != NULL) point_release(operation->point);
    free(operation->staged);
    free(operation->uses);
    free(operation->pieces);
    free(operation);
}

void point_release(struct point *point) {
    if (--point->references == 0) free(point);
}

static void free_in_order(struct range *range) {
    if (range->users == 0) {
        range_drop(range);
        return;
    }
    violation("cuMemFreeAsync: an operation that is not ordered before it uses the memory at %#llx",
        (unsigned long long)range->start);
    range->goes_when_idle = true;
}

/* After an operation was taken off its stream. */
static void end_operation(struct operation *operation, bool failed) {
    struct stream *stream = operation->stream;
    if (operation->kind == RECORD) {
        operation->point->reached = !failed;
        operation->point->failed = failed;
        operation->point->time = now();
    }
    if (operation->kind == FREE) free_in_order(operation->freed);
    if (operation->sequence > stream->completed) stream->completed = operation->sequence;
    bool may_free_others = operation->kind == RECORD;
    operation_discard(operation);
    operations_alive--;
    tell_change();
    if (!may_free_others) return;
    for (struct stream *other = streams; other != NULL; other = other->next_stream) {
        if (other->head != NULL && other->head->kind == WAIT) pthread_cond_signal(&other->wake);
    }
}

/* ---- Which operation may run ---- */

/* Events of a dead device hold nobody up, unless the script says so: what waited for them goes on. */
static bool is_over(const struct point *point) {
    bool stuck = settings.stuck_waiters && devices[point->device].sticky != CUDA_SUCCESS && !ending;
    return point->reached || (point->failed && !stuck);
}

static bool ready(const struct operation *operation) {
    if (operation->kind == WAIT) return is_over(operation->point);
    if (operation->kind == HOST_FUNCTION) return !settings.no_callbacks || ending;
    return true;
}

static bool may_run(const struct stream *stream) {
    if (stream->head == NULL || !ready(stream->head)) return false;
    return stream->granted || ending || !(settings.hold || settings.shuffle);
}

/* The stream whose turn it is: by the seed, or the one with the oldest operation; NULL where none can go on. */
static struct stream *choose(void) {
    struct stream *chosen = NULL;
    uint64_t candidates = 0;
    for (struct stream *stream = streams; stream != NULL; stream = stream->next_stream) {
        if (stream->running != NULL || stream->granted || stream->head == NULL || !ready(stream->head)) continue;
        candidates++;
        bool takes = settings.shuffle ? next_random() % candidates == 0
                                      : chosen == NULL || stream->head->sequence < chosen->head->sequence;
        if (takes) chosen = stream;
    }
    return chosen;
}

static void grant(struct stream *stream) {
    stream->granted = true;
    pthread_cond_signal(&stream->wake);
}

/* In a shuffle one operation runs at a time. */
static void grant_next(void) {
    if (!settings.shuffle || settings.hold || ending) return;
    for (struct stream *stream = streams; stream != NULL; stream = stream->next_stream) {
        if (stream->running != NULL || stream->granted) return;
    }
    struct stream *stream = choose();
    if (stream != NULL) grant(stream);
}

void streams_wake(void) {
    for (struct stream *stream = streams; stream != NULL; stream = stream->next_stream) {
        pthread_cond_signal(&stream->wake);
    }
    grant_next();
}

/* ---- Running ---- */

static int64_t transfer(struct device *device, int direction, size_t bytes) {
    if (settings.bandwidth == 0 || bytes == 0) return 0;
    int64_t begin = now();
    if (device->engine_free_at[direction] > begin) begin = device->engine_free_at[direction];
    return device->engine_free_at[direction] = begin + (int64_t)((double)bytes * 1e9 / (double)settings.bandwidth);
}

static int64_t end_of_transfers(struct operation *operation) {
    struct device *device = &devices[operation->stream->device];
    int64_t there = transfer(device, 0, operation->bytes_to_device);
    int64_t back = transfer(device, 1, operation->bytes_to_host);
    return there > back ? there : back;
}

static bool device_is_dead(const struct operation *operation) {
    return devices[operation->stream->device].sticky != CUDA_SUCCESS;
}

static void pause_until(const struct operation *operation, int64_t until) {
    while (!ending && !device_is_dead(operation) && now() < until) wait_on(&operation->stream->wake, until);
}

static void run_pieces(const struct operation *operation, bool backwards) {
    size_t count = operation->piece_count;
    for (size_t i = 0; i < count; i++) {
        const struct piece *piece = &operation->pieces[backwards ? count - 1 - i : i];
        if (piece->from == NULL) {
            memset(piece->to, piece->value, piece->bytes);
        } else {
            memmove(piece->to, piece->from, piece->bytes);
        }
    }
}

static void run_host_function(const struct operation *operation) {
    if (settings.no_callbacks) return;
    struct thread_state *thread = thread_state();
    thread->in_host_function = true;
    unlock();
    operation->function(operation->user_data);
    lock();
    thread->in_host_function = false;
}

static CUresult run_kernel(struct operation *operation) {
    unlock();
    CUresult result = operation->launch.body(&operation->launch);
    lock();
    pause_until(operation, end_of_transfers(operation));
    return result != CUDA_SUCCESS ? result : operation->launch.result;
}

static CUresult run_now(struct operation *operation) {
    if (operation->fault != CUDA_SUCCESS) return operation->fault;
    bool backwards = settings.shuffle;
    switch (operation->kind) {
        case COPY:
            unlock();
            run_pieces(operation, backwards);
            lock();
            return CUDA_SUCCESS;
        case KERNEL: return run_kernel(operation);
        case HOST_FUNCTION: run_host_function(operation); return CUDA_SUCCESS;
        default: return CUDA_SUCCESS;
    }
}

/* Delays come first: what is late has not read its source yet. Whether the operation did its work. */
static bool run(struct operation *operation) {
    int64_t until = end_of_transfers(operation);
    int64_t begin = now();
    if (settings.late > 0 && begin + settings.late > until) until = begin + settings.late;
    if (settings.shuffle && !settings.hold) {
        int64_t pause = begin + (int64_t)(next_random() % LARGEST_PAUSE);
        if (pause > until) until = pause;
    }
    pause_until(operation, until);
    if (device_is_dead(operation)) return false;
    CUresult result = run_now(operation);
    if (result != CUDA_SUCCESS) device_dies(operation->stream->device, result);
    return result == CUDA_SUCCESS;
}

static long long threads_alive;

static void stream_release(struct stream *stream) {
    if (--stream->references > 0) return;
    pthread_cond_destroy(&stream->wake);
    free(stream);
}

static void stream_unlink(struct stream *stream) {
    struct stream **link = &streams;
    while (*link != stream) link = &(*link)->next_stream;
    *link = stream->next_stream;
    stream_release(stream);
}

static void *serve(void *argument) {
    struct stream *stream = argument;
    lock();
    while (!stream->closed || stream->head != NULL) {
        if (!may_run(stream)) {
            wait_on(&stream->wake, 0);
            continue;
        }
        struct operation *operation = stream->head;
        stream->running = operation;
        bool did = run(operation);
        stream->head = operation->next;
        if (stream->head == NULL) stream->tail = NULL;
        stream->running = NULL;
        stream->granted = false;
        end_operation(operation, !did);
        grant_next();
    }
    stream_unlink(stream);
    threads_alive--;
    tell_change();
    unlock();
    return NULL;
}

CUresult enqueue(struct stream *stream, struct operation *operation) {
    CUresult sticky = devices[stream->device].sticky;
    bool waits = operation->pageable_destination;
    uint64_t mine = ++sequence;
    operation->stream = stream;
    operation->sequence = stream->last = mine;
    if (operation->fault == CUDA_SUCCESS) operation->fault = thread_state()->later;
    operations_alive++;
    if (sticky != CUDA_SUCCESS) {
        end_operation(operation, true);
        return sticky;
    }
    if (stream->tail == NULL) {
        stream->head = operation;
    } else {
        stream->tail->next = operation;
    }
    stream->tail = operation;
    pthread_cond_signal(&stream->wake);
    grant_next();
    return waits ? stream_wait(stream) : CUDA_SUCCESS;
}

/* ---- Streams ---- */

struct stream *stream_create(int device) {
    struct stream *stream = calloc(1, sizeof *stream);
    if (stream == NULL) abort();
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&stream->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    stream->device = device;
    stream->references = 1;
    stream->next_stream = streams;
    streams = stream;
    pthread_attr_t detached;
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    pthread_t thread;
    if (pthread_create(&thread, &detached, serve, stream) != 0) abort();
    pthread_attr_destroy(&detached);
    threads_alive++;
    return stream;
}

/* The thread ends when it has run what is queued. */
void stream_close(struct stream *stream) {
    if (stream->handle != NULL) handle_destroy((uint64_t)stream->handle);
    stream->handle = NULL;
    stream->closed = true;
    pthread_cond_signal(&stream->wake);
}

CUresult why_dropped(int device) {
    return devices[device].sticky != CUDA_SUCCESS ? devices[device].sticky : CUDA_ERROR_CONTEXT_IS_DESTROYED;
}

CUresult stream_wait(struct stream *stream) {
    int device = stream->device;
    uint64_t last = stream->last;
    stream->references++;
    while (stream->completed < last && devices[device].sticky == CUDA_SUCCESS) wait_for_change();
    bool dropped = stream->dropped;
    stream_release(stream);
    return dropped ? why_dropped(device) : devices[device].sticky;
}

static void drop_queued(struct stream *stream) {
    struct operation *queued = stream->running == NULL ? stream->head : stream->running->next;
    if (queued != NULL) stream->dropped = true;
    if (stream->running == NULL) {
        stream->head = stream->tail = NULL;
        stream->granted = false;
    } else {
        stream->running->next = NULL;
        stream->tail = stream->running;
    }
    while (queued != NULL) {
        struct operation *next = queued->next;
        end_operation(queued, true);
        queued = next;
    }
    pthread_cond_signal(&stream->wake);
}

static bool is_in_its_last_work(const struct stream *stream) {
    const struct operation *running = stream->running;
    return running != NULL && (running->kind == COPY || running->kind == KERNEL) && device_is_dead(running);
}

void streams_end_last_work(void) {
    struct stream *stream = streams;
    while (stream != NULL) {
        if (is_in_its_last_work(stream)) {
            wait_for_change();
            stream = streams;
        } else {
            stream = stream->next_stream;
        }
    }
}

void streams_drop_queued(int device) {
    for (struct stream *stream = streams; stream != NULL; stream = stream->next_stream) {
        if (stream->device == device) drop_queued(stream);
    }
}

static bool some_run(int device) {
    for (struct stream *stream = streams; stream != NULL; stream = stream->next_stream) {
        if (stream->device == device && stream->running != NULL) return true;
    }
    return false;
}

long long streams_operations(int device) {
    long long count = 0;
    for (struct stream *stream = streams; stream != NULL; stream = stream->next_stream) {
        if (stream->device != device) continue;
        for (struct operation *queued = stream->head; queued != NULL; queued = queued->next) count++;
    }
    return count;
}

void streams_await_end_of(int device) {
    streams_drop_queued(device);
    while (some_run(device)) wait_for_change();
}

void streams_end(void) {
    ending = true;
    streams_wake();
    while (operations_alive > 0) wait_for_change();
    for (struct stream *stream = streams; stream != NULL; stream = stream->next_stream) stream_close(stream);
    while (threads_alive > 0) wait_for_change();
    ending = false;
}

/* Runs one held operation; false where none can run. */
static bool release_one(void) {
    struct stream *stream = choose();
    if (stream == NULL) return false;
    uint64_t released = stream->head->sequence;
    stream->references++;
    grant(stream);
    while (stream->completed < released) wait_for_change();
    stream_release(stream);
    return true;
}

int kvflux_stub_release(int operations) {
    int ran = 0;
    pthread_mutex_lock(&releasing);
    lock();
    while ((operations < 0 || ran < operations) && settings.hold && release_one()) ran++;
    if (operations < 0) {
        settings.hold = false;
        streams_wake();
    }
    unlock();
    pthread_mutex_unlock(&releasing);
    return ran;
}
