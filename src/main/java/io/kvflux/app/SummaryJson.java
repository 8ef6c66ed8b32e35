package io.kvflux.app;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kvflux.sim.ReplayResult;

/** {@code --json}: the keys of {@link io.kvflux.sim.ReplaySummary} in their order. */
final class SummaryJson {

    private static final ObjectMapper MAPPER = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

    private SummaryJson() {}

    /** One object; a run with memory has one key more, {@code checkedBlocks}, and one that was stopped {@code partial}. */
    static String of(ReplayResult result) {
        ObjectNode summary = MAPPER.valueToTree(result.summary());
        if (result.checkedBlocks() != null) {
            summary.put("checkedBlocks", result.checkedBlocks());
        }
        if (result.partial()) {
            summary.put("partial", true);
        }
        return print(summary);
    }

    static String print(Object value) {
        try {
            return MAPPER.writeValueAsString(value);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a summary cannot be written as JSON", e);
        }
    }
}
