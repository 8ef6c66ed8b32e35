/*
 * What the stand-in needs of the CUDA driver's interface, written from driver.def: the vendor's header is not needed.
 * check.c compares the table with that header; the assertions below compare these definitions with the table.
 */
#ifndef KVFLUX_DRIVER_H
#define KVFLUX_DRIVER_H

#include <stddef.h>

typedef int CUresult;
typedef int CUdevice;
typedef int CUdevice_attribute;
typedef int CUmemAllocationGranularity_flags;
typedef int CUstreamCaptureMode;
typedef unsigned long long CUdeviceptr;
typedef unsigned long long CUmemGenericAllocationHandle;
typedef struct CUctx_st *CUcontext;
typedef struct CUstream_st *CUstream;
typedef struct CUevent_st *CUevent;
typedef struct CUmod_st *CUmodule;
typedef struct CUfunc_st *CUfunction;
typedef void (*CUhostFn)(void *userData);

typedef struct {
    size_t srcXInBytes;
    size_t srcY;
    unsigned int srcMemoryType;
    const void *srcHost;
    CUdeviceptr srcDevice;
    void *srcArray;
    size_t srcPitch;
    size_t dstXInBytes;
    size_t dstY;
    unsigned int dstMemoryType;
    void *dstHost;
    CUdeviceptr dstDevice;
    void *dstArray;
    size_t dstPitch;
    size_t WidthInBytes;
    size_t Height;
} CUDA_MEMCPY2D;

typedef struct {
    int type;
    int id;
} CUmemLocation;

typedef struct {
    int type;
    int requestedHandleTypes;
    CUmemLocation location;
    void *win32HandleMetaData;
    unsigned char allocFlags[8];
} CUmemAllocationProp;

typedef struct {
    CUmemLocation location;
    int flags;
} CUmemAccessDesc;

typedef struct {
    int srcAccessOrder;
    CUmemLocation srcLocHint;
    CUmemLocation dstLocHint;
    unsigned int flags;
} CUmemcpyAttributes;

/* The constants of the table. */
#define TYPE(name, bytes)
#define FUNCTION(set, name, parameters)
#define CONSTANT(name, value) name = (value),
#define STRUCT(name, bytes)
#define FIELD(name, member, offset)
enum driver_constant {
#include "driver.def"
};
#undef CONSTANT

/* Codes that only the stand-in returns or that its kernels' callers look for; named without the vendor's prefix, so that
 * the table may take them in. */
enum stub_code {
    ERROR_PEER_ACCESS_UNSUPPORTED = 217,
    ERROR_INVALID_PTX = 218,
    ERROR_INVALID_HANDLE = 400,
    ERROR_NOT_FOUND = 500,
    ERROR_HOST_MEMORY_NOT_REGISTERED = 713,
    ERROR_NOT_PERMITTED = 800
};

/* The prototypes of the table, which are all that the library exports besides control.h. */
#define CONSTANT(name, value)
#undef FUNCTION
#define FUNCTION(set, name, parameters) CUresult name parameters;
#pragma GCC visibility push(default)
#include "driver.def"
#pragma GCC visibility pop
#undef FUNCTION
#define FUNCTION(set, name, parameters)

/* The definitions above, held against the table. */
#undef TYPE
#undef STRUCT
#undef FIELD
#define TYPE(name, bytes) _Static_assert(sizeof(name) == (bytes), #name " is not as wide as the table says");
#define STRUCT(name, bytes) _Static_assert(sizeof(name) == (bytes), #name " is not as long as the table says");
#define FIELD(name, member, offset) \
    _Static_assert(offsetof(name, member) == (offset), #name "." #member " is not where the table says");
#include "driver.def"
#undef TYPE
#undef FUNCTION
#undef CONSTANT
#undef STRUCT
#undef FIELD

#endif
