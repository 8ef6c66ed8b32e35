/**
 * Published model shapes as presets, and the reader of Hugging Face {@code config.json} files. Both turn a model's
 * name or file into {@code KvCacheParams}. Needs the optional Jackson dependency for files only.
 */
@NullMarked
package io.kvflux.models;

import org.jspecify.annotations.NullMarked;
