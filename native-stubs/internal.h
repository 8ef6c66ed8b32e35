/*
 * What the files of the stand-in share. One lock guards all of it; only the bytes of copies, the bodies of kernels and host
 * functions run without it.
 */
#ifndef KVFLUX_INTERNAL_H
#define KVFLUX_INTERNAL_H

#include "control.h"
#include "driver.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define MAX_DEVICES 16
#define GRANULARITY ((size_t)2 << 20)

/* ---- Calls: state.c ---- */

enum function {
#define TYPE(name, bytes)
#define FUNCTION(set, name, parameters) F_##name,
#define CONSTANT(name, value)
#define STRUCT(name, bytes)
#define FIELD(name, member, offset)
#include "driver.def"
#undef TYPE
#undef FUNCTION
#undef CONSTANT
#undef STRUCT
#undef FIELD
    FUNCTIONS
};

/* What a call needs before it may do anything. */
enum needs {
    NOTHING,        /* works before cuInit too */
    INITIALISED,    /* cuInit was called */
    CONTEXT,        /* a context is current, and its device works */
    GIVES_BACK      /* a context is current; on a dead device the object goes, and the device's error is returned */
};

/* Begins a call: takes the lock, counts, and fires scripted faults. Returns from the function when it may not go on. */
#define ENTER(name, needs)                           \
    do {                                             \
        CUresult refused_ = enter(F_##name, needs);  \
        if (refused_ != CUDA_SUCCESS) return refused_; \
    } while (0)

CUresult enter(enum function function, enum needs needs);

/* Ends a call that was entered: gives the lock back, and says what to return. */
CUresult leave(CUresult result);

void lock(void);
void unlock(void);

/* Broadcast whenever an operation ends, a range loses its last user, or a device dies. */
void wait_for_change(void);
void tell_change(void);

/* Gives the lock back until the condition is signalled or, unless 0, until a time of now(). */
void wait_on(pthread_cond_t *condition, int64_t until);

const char *function_name(enum function function);

/* Index of a bound function, or -1. */
int function_named(const char *name);

/* Whether a function queues an operation on a stream. */
bool function_queues(enum function function);

/* What this thread is in the middle of. */
struct thread_state {
    unsigned epoch;
    int depth;
    CUcontext stack[16];
    int device;             /* of the current context, in a call that needs one */
    enum function function; /* the call */
    CUresult later;         /* what the operation that this call queues will fail with */
    CUresult dead;          /* what a call that gives back returns, since its device is dead */
    bool in_host_function;
    CUstreamCaptureMode capture_mode;
};
struct thread_state *thread_state(void);

/* Records that a rule was broken, where the script says strict. */
__attribute__((format(printf, 1, 2))) void violation(const char *format, ...);

/* ---- Handles: state.c. A stale handle is told from a live one. ---- */

enum handle_kind { HANDLE_CONTEXT = 1, HANDLE_STREAM, HANDLE_EVENT, HANDLE_MODULE, HANDLE_FUNCTION, HANDLE_MEMORY };

uint64_t handle_create(enum handle_kind kind, void *object);
void *handle_find(enum handle_kind kind, uint64_t handle);
void handle_destroy(uint64_t handle);
bool handle_is_stale(uint64_t handle);

/* Calls visit with each live object of a kind; visit may destroy it. */
void handle_each(enum handle_kind kind, void (*visit)(uint64_t handle, void *object, void *argument), void *argument);

/* ---- Devices: device.c ---- */

struct stream;

struct device {
    size_t used;
    CUresult sticky;
    int retained;
    CUcontext context;
    uint64_t peers;
    struct stream *default_stream;
    int64_t engine_free_at[2]; /* when the copy engines to the device and from it have done all they took, in ns */
};

extern struct device devices[MAX_DEVICES];
extern bool initialised;

bool device_exists(int device);
CUresult context_device(CUcontext context, int *device);
CUresult current_device(int *device);
void device_reset(void);

/* The device fails from now on; what is queued on it never runs. */
void device_dies(int device, CUresult code);

/* ---- Settings and faults: faults.c ---- */

struct settings {
    int devices;
    size_t memory;
    size_t bandwidth; /* bytes a second each way; 0: unlimited */
    int version;
    bool strict;
    bool no_peer;
    size_t fail_above; /* 0: no limit */
    bool hold;
    bool shuffle;
    uint64_t random;
    int64_t late; /* ns */
    bool no_callbacks;
    bool capture;       /* somebody else in the process captures a graph, in global mode */
    bool stuck_waiters; /* events of a lost device hold up who waits for them elsewhere */
    bool forked;
};

extern struct settings settings;
extern bool settings_are_bad; /* the environment has a script that cannot be run */

/* The value that a script gave an attribute, or whether there is none. */
bool attribute_of_script(int attribute, int *value);
bool attribute_is_off(int attribute);

/* Which fault fires at this call: its code, with what it does to the device; CUDA_SUCCESS for none. */
struct fired {
    CUresult now;
    CUresult later;
    bool sticky;
};
struct fired faults_fire(enum function function);
void settings_reset(void);
uint64_t next_random(void);

/* ---- Memory: ranges.c ---- */

enum range_kind { ALLOCATION, RESERVATION, MAPPING, HOST_ALLOCATION, HOST_REGISTRATION };

struct memory; /* what cuMemCreate makes: virtual.c */

struct range {
    enum range_kind kind;
    uint64_t start;
    uint64_t end;
    int device;            /* whose memory, or whose context registered it */
    int users;             /* operations that are queued or running */
    bool closing;          /* freed already, for all who look for it */
    bool goes_when_idle;   /* its last user removes it */
    struct memory *memory; /* of a mapping */
    uint64_t access;       /* of a mapping: a bit for each device */
};

struct ranges {
    struct range **items;
    size_t count;
    size_t capacity;
};

extern struct ranges areas;    /* allocations and reservations */
extern struct ranges mappings; /* inside reservations */
extern struct ranges hosts;    /* memory of the host that devices may reach */

struct range *range_find(const struct ranges *in, uint64_t address);
bool range_overlaps(const struct ranges *in, uint64_t start, uint64_t end);
struct range *range_add(struct ranges *to, enum range_kind kind, uint64_t start, size_t bytes, int device);
void range_remove(struct ranges *from, struct range *range);
long long range_count(const struct ranges *in, enum range_kind kind);

/* Whether an address is one of a device; those are never accessible to the processor. */
bool is_device_address(uint64_t address);

/* Where the bytes of a device address really are. */
char *twin_of(uint64_t address);

/* A free place among the device addresses; 0: none. */
uint64_t place(size_t bytes, size_t alignment, uint64_t wish);
bool twin_commit(uint64_t start, size_t bytes);
bool twin_map(uint64_t start, size_t bytes, int file, int64_t offset);
void twin_remove(uint64_t start, size_t bytes);
bool window_open(void);

/* Ends a range: waits for its users, or with strict refuses. On CUDA_SUCCESS nobody finds it any more. */
CUresult range_close(struct range *range, const char *what);
/* Gives back what an allocation or a host allocation holds, and removes it. */
void range_drop(struct range *range);
/* What is wrong with an address that no range has. */
const char *why_absent(uint64_t address);
long long ranges_of(int device);
void ranges_drop_of(int device);
void ranges_reset(void);

/* So much at the start of new memory is not zero, as on a device. */
#define SPOILT ((size_t)16 << 10)

/* Takes device memory into account, where there is so much. */
CUresult charge(int device, size_t bytes);
CUresult allocate(CUdeviceptr *pointer, size_t bytes, int device);

/* ---- Operations and streams: queue.c ---- */

enum operation_kind { COPY, RECORD, WAIT, HOST_FUNCTION, KERNEL, FREE };

struct piece {
    char *to;
    const char *from; /* NULL: to is filled with value */
    size_t bytes;
    unsigned char value;
};

/* One recording of an event. */
struct point {
    int references;
    bool reached;
    bool failed;
    int64_t time;
    int device;
};

struct launch;
typedef CUresult kernel_body(struct launch *launch);

/* A launch as its body sees it. */
struct launch {
    kernel_body *body;
    unsigned grid[3];
    unsigned block[3];
    uint64_t parameters[16];
    int device;
    struct operation *operation;
    CUresult result; /* the first access that failed */
};

struct operation {
    enum operation_kind kind;
    struct operation *next;
    struct stream *stream;
    uint64_t sequence;
    CUresult fault;
    struct piece *pieces;
    size_t piece_count, piece_capacity;
    struct range **uses;
    size_t use_count, use_capacity;
    void **staged; /* copies of pageable sources */
    size_t staged_count;
    bool pageable_destination;
    size_t bytes_to_device, bytes_to_host;
    struct point *point;
    CUhostFn function;
    void *user_data;
    struct launch launch;
    struct range *freed;
};

struct stream {
    struct stream *next_stream;
    CUstream handle;
    int device;
    pthread_cond_t wake;
    struct operation *head, *tail;
    struct operation *running;
    uint64_t last;      /* the sequence of the newest operation */
    uint64_t completed; /* the sequence of the newest one that ended */
    bool granted;       /* may run its head although hold or shuffle is on */
    bool closed;
    bool dropped;       /* its device died, or its context went, before all had run */
    int references;
};

extern long long operations_alive;

struct operation *operation_create(enum operation_kind kind);
void operation_discard(struct operation *operation);
void operation_use(struct operation *operation, struct range *range);
void operation_add(struct operation *operation, struct piece piece);

/* Puts an operation last on a stream and takes it over. Waits for it where its destination is pageable. */
CUresult enqueue(struct stream *stream, struct operation *operation);

struct stream *stream_create(int device);
void stream_close(struct stream *stream);

/* The stream of a handle; 0 is the default one of the current context. Its device must work. */
CUresult stream_find(CUstream handle, struct stream **stream);
CUresult stream_wait(struct stream *stream);
/* What those get to know who waited for an operation that was dropped. */
CUresult why_dropped(int device);
void streams_wake(void);
void streams_drop_queued(int device);
/* Waits for what devices were in the middle of when they died: it comes to nothing, but still touches memory. */
void streams_end_last_work(void);
long long streams_operations(int device);
/* Drops what is queued on a device's streams, and waits for what runs. */
void streams_await_end_of(int device);
/* Ends every mode, waits for all operations, and for the threads of all streams. */
void streams_end(void);
void point_release(struct point *point);
int64_t now(void);
CUresult free_device_memory(CUdeviceptr pointer, const char *what, struct range **range);

/* Finds the memory of an address for an operation and keeps it there until the operation ends. */
CUresult span(struct operation *operation, uint64_t address, size_t bytes, char **accessible, bool *pageable);

/* ---- Kernels: modules.c and kernels.c ---- */

struct kernel {
    const char *name;
    int parameters;
    kernel_body *body;
};

/* What contexts own besides: streams.c and modules.c. */
int event_device(const void *event);
int module_device(const void *module);

const struct kernel *kernel_named(const char *name);
void module_drop(uint64_t handle, void *object, void *argument);
void memories_reset(void);
void mapping_drop(struct range *mapping);
void event_drop(uint64_t handle, void *object, void *argument);

/* Memory as a kernel sees it: NULL, and the launch fails with 700, where the device may not reach it. */
void *kernel_memory(struct launch *launch, uint64_t address, size_t bytes, bool write);

#endif
