/*
 * How a test steers the stand-in and asks what it saw. README.md has the commands of a script.
 */
#ifndef KVFLUX_CONTROL_H
#define KVFLUX_CONTROL_H

#pragma GCC visibility push(default)

/* Runs commands, separated by ';' or newlines. NULL, or what is wrong with the first bad one: valid until this thread's
 * next script. */
const char *kvflux_stub_script(const char *script);

/* Back to the settings of the environment: ends hold, waits for the streams, drops every object and clears counts, faults
 * and violations. cuInit is needed again. No other thread may be in a call. */
void kvflux_stub_reset(void);

/* How many objects of a kind live: allocations, registrations, hostAllocations, streams, events, modules, contexts (the
 * sum of the retain counts), reservations, handles, mappings, operations (queued or running), or all. -1: no such kind. */
long long kvflux_stub_live(const char *kind);

/* The violations since the reset, one a line; empty where there was none. Valid until the next reset. */
const char *kvflux_stub_violations(void);

/* How many calls of a function there were since the reset. -1: no such function. */
long long kvflux_stub_calls(const char *function);

/* Lets so many queued operations run, one after the other, while hold is on; -1 runs all that can run and ends hold.
 * Returns how many ran. */
int kvflux_stub_release(int operations);

#pragma GCC visibility pop

#endif
