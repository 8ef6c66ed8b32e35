/*
 * Modules from PTX text, their functions, and launches. The text says which kernels there are; kernels.c runs them.
 */
#define _GNU_SOURCE
#include "internal.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LARGEST_NAME 128

struct module {
    int device;
    char *text;
};

struct entry {
    struct module *module;
    const struct kernel *kernel; /* NULL: no C function stands for it */
    char name[LARGEST_NAME];
};

int module_device(const void *module) { return ((const struct module *)module)->device; }

static void drop_entry_of(uint64_t handle, void *object, void *argument) {
    struct entry *function = object;
    if (function->module != argument) return;
    handle_destroy(handle);
    free(function);
}

void module_drop(uint64_t handle, void *object, void *argument) {
    struct module *module = object;
    (void)argument;
    handle_each(HANDLE_FUNCTION, drop_entry_of, module);
    handle_destroy(handle);
    free(module->text);
    free(module);
}

CUresult cuModuleLoadData(CUmodule *module, const void *image) {
    ENTER(cuModuleLoadData, CONTEXT);
    if (module == NULL || image == NULL) return leave(CUDA_ERROR_INVALID_VALUE);
    if (strstr(image, ".version") == NULL) return leave(ERROR_INVALID_PTX);
    struct module *loaded = calloc(1, sizeof *loaded);
    char *text = strdup(image);
    if (loaded == NULL || text == NULL) {
        free(loaded);
        free(text);
        return leave(CUDA_ERROR_OUT_OF_MEMORY);
    }
    loaded->device = thread_state()->device;
    loaded->text = text;
    *module = (CUmodule)handle_create(HANDLE_MODULE, loaded);
    return leave(CUDA_SUCCESS);
}

static struct module *module_find(CUmodule handle, const char *what) {
    struct module *module = handle_find(HANDLE_MODULE, (uint64_t)handle);
    if (module == NULL) {
        violation("%s: the module %p %s", what, (void *)handle,
            handle_is_stale((uint64_t)handle) ? "was unloaded already" : "is no module");
    }
    return module;
}

CUresult cuModuleUnload(CUmodule module) {
    ENTER(cuModuleUnload, GIVES_BACK);
    struct module *found = module_find(module, "cuModuleUnload");
    if (found == NULL) return leave(ERROR_INVALID_HANDLE);
    module_drop((uint64_t)module, found, NULL);
    return leave(CUDA_SUCCESS);
}

/* Whether the text has a kernel of this name: ".entry name(". */
static bool has_entry(const char *text, const char *name) {
    size_t length = strlen(name);
    for (const char *at = strstr(text, ".entry"); at != NULL; at = strstr(at, ".entry")) {
        at += strlen(".entry");
        while (isspace((unsigned char)*at)) at++;
        if (strncmp(at, name, length) != 0) continue;
        char next = at[length];
        if (!isalnum((unsigned char)next) && next != '_' && next != '$') return true;
    }
    return false;
}

CUresult cuModuleGetFunction(CUfunction *function, CUmodule module, const char *name) {
    ENTER(cuModuleGetFunction, CONTEXT);
    if (function == NULL || name == NULL || strlen(name) >= LARGEST_NAME) return leave(CUDA_ERROR_INVALID_VALUE);
    struct module *found = module_find(module, "cuModuleGetFunction");
    if (found == NULL) return leave(ERROR_INVALID_HANDLE);
    if (*name == '\0' || !has_entry(found->text, name)) return leave(ERROR_NOT_FOUND);
    struct entry *created = calloc(1, sizeof *created);
    if (created == NULL) return leave(CUDA_ERROR_OUT_OF_MEMORY);
    created->module = found;
    created->kernel = kernel_named(name);
    strcpy(created->name, name);
    *function = (CUfunction)handle_create(HANDLE_FUNCTION, created);
    return leave(CUDA_SUCCESS);
}

static bool fits(unsigned value, unsigned most) { return value >= 1 && value <= most; }

static bool shape_is_right(const struct launch *launch, unsigned sharedBytes) {
    const unsigned *grid = launch->grid, *block = launch->block;
    return fits(grid[0], INT32_MAX) && fits(grid[1], 65535) && fits(grid[2], 65535) && fits(block[0], 1024)
        && fits(block[1], 1024) && fits(block[2], 64) && (uint64_t)block[0] * block[1] * block[2] <= 1024
        && sharedBytes <= 227 << 10;
}

static CUresult take_parameters(struct launch *launch, const struct kernel *kernel, void **parameters) {
    if (parameters == NULL) return CUDA_ERROR_INVALID_VALUE;
    for (int i = 0; i < kernel->parameters; i++) {
        if (parameters[i] == NULL) return CUDA_ERROR_INVALID_VALUE;
        memcpy(&launch->parameters[i], parameters[i], sizeof launch->parameters[i]);
    }
    return CUDA_SUCCESS;
}

/* Memory that a parameter points to stays until the launch ends; what that memory points to is looked up when it runs. */
static void keep_memory(struct operation *operation, const struct kernel *kernel) {
    for (int i = 0; i < kernel->parameters; i++) {
        uint64_t value = operation->launch.parameters[i];
        bool on_device = is_device_address(value);
        struct range *range = range_find(on_device ? &areas : &hosts, value);
        if (range != NULL && range->kind == RESERVATION) range = range_find(&mappings, value);
        if (range != NULL && !range->closing) operation_use(operation, range);
    }
}

CUresult cuLaunchKernel(CUfunction function, unsigned int gridX, unsigned int gridY, unsigned int gridZ,
    unsigned int blockX, unsigned int blockY, unsigned int blockZ, unsigned int sharedBytes, CUstream stream,
    void **parameters, void **extra) {
    ENTER(cuLaunchKernel, CONTEXT);
    struct launch launch = {.grid = {gridX, gridY, gridZ}, .block = {blockX, blockY, blockZ}};
    struct entry *found = handle_find(HANDLE_FUNCTION, (uint64_t)function);
    struct stream *on;
    CUresult result = stream_find(stream, &on);
    if (result != CUDA_SUCCESS) return leave(result);
    if (found == NULL || found->module->device != on->device) return leave(ERROR_INVALID_HANDLE);
    if (extra != NULL || !shape_is_right(&launch, sharedBytes)) return leave(CUDA_ERROR_INVALID_VALUE);
    if (found->kernel == NULL) {
        fprintf(stderr, "KvFlux stand-in driver: kernels.c has no C function for the kernel %s\n", found->name);
        return leave(CUDA_ERROR_NOT_SUPPORTED);
    }
    result = take_parameters(&launch, found->kernel, parameters);
    if (result != CUDA_SUCCESS) return leave(result);
    struct operation *operation = operation_create(KERNEL);
    launch.body = found->kernel->body;
    launch.device = on->device;
    launch.operation = operation;
    operation->launch = launch;
    keep_memory(operation, found->kernel);
    return leave(enqueue(on, operation));
}
