package io.kvflux.app;

import io.kvflux.models.ModelPresets;
import java.util.Iterator;

/** The presets that {@code --model} knows, for the help. */
final class ModelNames implements Iterable<String> {

    @Override
    public Iterator<String> iterator() {
        return ModelPresets.names().iterator();
    }
}
