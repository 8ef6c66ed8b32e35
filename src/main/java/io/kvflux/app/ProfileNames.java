package io.kvflux.app;

import io.kvflux.sim.DeviceProfile;
import java.util.Iterator;

/** The presets that {@code --device-profile} knows, for the help. */
final class ProfileNames implements Iterable<String> {

    @Override
    public Iterator<String> iterator() {
        return DeviceProfile.names().iterator();
    }
}
