package io.kvflux.app;

import io.kvflux.geometry.DataSize;
import java.io.PrintWriter;

/** The plan for people. */
final class PlanTable {

    private PlanTable() {}

    static void print(PrintWriter out, Plan plan) {
        TextTable table = new TextTable();
        table.section("Devices")
                .row("KV memory of one", size(plan.deviceMemoryBytes()))
                .row("tensor parallel", Numbers.count(plan.tensorParallelDegree()))
                .row("replicas", Numbers.count(plan.dataParallelDegree()))
                .row("page size", plan.pageSize() + " tokens");
        plan.caches().forEach(cache -> cache(table, cache));
        table.section("Together")
                .row("bytes of a block", bytes(plan.bytesPerBlock()))
                .row("bytes of a token", bytes(plan.bytesPerToken()))
                .row("blocks a replica", Numbers.count(plan.blocksPerReplica()))
                .row("tokens a replica", Numbers.count(plan.tokensPerReplica()))
                .row("tokens in all", Numbers.count(plan.tokens()))
                .row("longest sequence", Numbers.count(plan.longestSequenceTokens()) + " tokens")
                .row("memory of all blocks", size(plan.estimatedMemoryBytes()));
        if (plan.hostBlocksPerReplica() > 0) {
            table.row("bytes of a block on host", bytes(plan.hostBytesPerBlock()))
                    .row("host blocks a replica", Numbers.count(plan.hostBlocksPerReplica()));
        }
        table.print(out);
        out.println();
        plan.caches().forEach(cache -> out.println(cache.model() + ": " + cache.source()));
    }

    private static void cache(TextTable table, Plan.Cache cache) {
        table.section(cache.model())
                .row("cache", cache.attention() + " " + cache.dtype())
                .row("shape of a page, one device", cache.shapePerBlock().toString())
                .row("bytes of a page, one device", bytes(cache.bytesPerPage()))
                .row("bytes of a block", bytes(cache.bytesPerBlock()));
    }

    private static String bytes(long bytes) {
        return Numbers.count(bytes) + "  (" + size(bytes) + ")";
    }

    private static String size(long bytes) {
        return new DataSize(bytes).toString();
    }
}
