/*
 * Compares driver.def with the vendor's header: compiled, and never linked, where a cuda.h is found.
 * A wrong width, a misspelt name, a wrong number or a wrong offset is an error of the compiler.
 */
/* The header declares the older versions of functions too, under the names of their symbols. */
#define __CUDA_API_VERSION_INTERNAL
#include <cuda.h>
#include <stddef.h>

#define TYPE(name, bytes) _Static_assert(sizeof(name) == (bytes), #name " is not as wide as the table says");
#define FUNCTION(set, name, parameters) \
    _Static_assert(__builtin_types_compatible_p(__typeof__(&name), CUresult(CUDAAPI *) parameters), \
                   #name " has other parameters than the table says");
#define CONSTANT(name, value) _Static_assert((name) == (value), #name " is another number than the table says");
#define STRUCT(name, bytes) _Static_assert(sizeof(name) == (bytes), #name " is not as long as the table says");
#define FIELD(name, member, offset) \
    _Static_assert(offsetof(name, member) == (offset), #name "." #member " is not where the table says");

#include "driver.def"
