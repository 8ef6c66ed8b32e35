package io.kvflux.selftest;

import io.kvflux.api.SequenceId;
import java.util.function.Consumer;

/**
 * Holds all logits of the paged models against those of the dense ones, bit by bit, whether or not anybody will see what is
 * chosen from them.
 */
final class LogitsWatch implements PagedModel.Probe {

    private final ScenarioClients clients;
    private final Consumer<Finding> found;

    LogitsWatch(ScenarioClients clients, Consumer<Finding> found) {
        this.clients = clients;
        this.found = found;
    }

    @Override
    public void chosenFrom(SequenceId sequence, int position, int model, float[] logits) {
        if (Logits.fingerprint(logits) != clients.of(sequence).dense().fingerprint(model, position)) {
            String what = sequence + ": for position " + position + ", logits of model " + model;
            found.accept(finding(Finding.Kind.WRONG_LOGITS, what, logits));
        }
    }

    @Override
    public void draftedFrom(SequenceId sequence, int position, int index, float[] logits) {
        if (Logits.fingerprint(logits) != clients.of(sequence).dense().draftFingerprint(position, index)) {
            String what = sequence + ": for draft " + index + " after position " + position + ", logits";
            found.accept(finding(Finding.Kind.WRONG_DRAFT, what, logits));
        }
    }

    private static Finding finding(Finding.Kind kind, String what, float[] logits) {
        return Logits.hasNaN(logits)
                ? new Finding(Finding.Kind.POISON_READ, what + " are NaN: it read a page that is not its own")
                : new Finding(kind, what + " are not those of the dense model");
    }
}
