/**
 * A scheduler's numbers for monitoring systems, through Micrometer, which a user of the library brings along or leaves out.
 * Names and units are part of the contract: docs/embedding.md lists them. Nothing is measured here.
 */
@NullMarked
package io.kvflux.metrics;

import org.jspecify.annotations.NullMarked;
