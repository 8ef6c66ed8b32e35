package io.kvflux.app;

/** An engine whose behaviour can be preset. */
enum Engine {
    VLLM
}
