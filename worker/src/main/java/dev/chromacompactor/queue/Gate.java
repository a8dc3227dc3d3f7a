package dev.chromacompactor.queue;

import java.time.Duration;
import java.util.Optional;

/** Asked before each poll whether there should be one. It is asked often, so it must answer at once. */
@FunctionalInterface
public interface Gate {
    Gate OPEN = Optional::empty;

    /**
     * @param askAgain how long not to poll; asked again then
     * @param why for log and health, such as {@code paused: …}
     */
    record Closed(Duration askAgain, String why) {}

    /** Empty: poll. */
    Optional<Closed> closed();
}
