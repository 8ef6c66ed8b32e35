/*
 * What the parts of the stand-in's own test share.
 */
#ifndef KVFLUX_SMOKE_H
#define KVFLUX_SMOKE_H

#include "control.h"
#include "driver.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define MIB ((size_t)1 << 20)

#define IS(expected, expression)                                                             \
    do {                                                                                     \
        long long found_ = (long long)(expression), expected_ = (long long)(expected);       \
        if (found_ != expected_) fail(__FILE__, __LINE__, #expression, found_, expected_);   \
    } while (0)
#define OK(expression) IS(CUDA_SUCCESS, expression)

/* Of device 0, since the last begin. */
extern CUcontext context;
extern CUstream stream, other;

_Noreturn void fail(const char *file, int line, const char *text, long long found, long long expected);
void script(const char *text);

/* A fresh driver with two streams on device 0. */
void begin(const char *text);

/* Ends a test that gave everything back. */
void end(void);

/* Whether a violation has this text in it. */
bool violated(const char *with);

void *pinned(size_t bytes);
CUdeviceptr device(size_t bytes);
CUevent event(void);

void smoke_memory(void);
void smoke_streams(void);
void smoke_kernels(void);
void smoke_faults(void);

#endif
