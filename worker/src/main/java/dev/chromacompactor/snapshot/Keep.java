package dev.chromacompactor.snapshot;

import java.time.Duration;

/**
 * Which versions stay though others came after them.
 *
 * @param versions so many of the newest that were live, the live one included; at least 1
 * @param superseded and all that were superseded less than this ago: readers may still be downloading them
 */
public record Keep(int versions, Duration superseded) {
    public Keep {
        if (versions < 1 || superseded.isNegative()) {
            throw new IllegalArgumentException("keep " + versions + " versions for " + superseded);
        }
    }
}
