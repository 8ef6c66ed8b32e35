/**
 * The command line: parses arguments, runs replay, plan or serve, and prints tables, JSON, CSV and the HTML report. Nothing
 * here decides anything about blocks or sequences.
 */
@NullMarked
package io.kvflux.app;

import org.jspecify.annotations.NullMarked;
