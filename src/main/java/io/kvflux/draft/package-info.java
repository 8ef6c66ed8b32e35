/**
 * Draft tokens: how many are on their way, how often they are accepted, what a step costs, and how many the next round
 * gets. Pure and single-threaded, without clock, threads or I/O; the same calls give the same answers. The formulas are
 * those of Leviathan et al., arXiv 2211.17192 (expected tokens of a round), and of SmartSpec, arXiv 2406.14066 (drafts
 * chosen for goodput).
 */
@NullMarked
package io.kvflux.draft;

import org.jspecify.annotations.NullMarked;
