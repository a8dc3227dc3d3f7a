package dev.chromacompactor.health;

import java.time.Instant;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A consumer as a test wants it to be. */
final class FakeSigns implements Signs {
    boolean pollerAlive = true;
    Instant lastTurn;

    @Nullable
    String resting;

    int busy;
    int slots = 4;
    int handedBackInARow;

    FakeSigns(Instant now) {
        lastTurn = now;
    }

    @Override
    public boolean pollerAlive() {
        return pollerAlive;
    }

    @Override
    public Instant lastTurn() {
        return lastTurn;
    }

    @Override
    public Instant lastPoll() {
        return lastTurn;
    }

    @Override
    public Instant lastProgress() {
        return lastTurn;
    }

    @Override
    public Optional<String> resting() {
        return Optional.ofNullable(resting);
    }

    @Override
    public int busy() {
        return busy;
    }

    @Override
    public int slots() {
        return slots;
    }

    @Override
    public int handedBackInARow() {
        return handedBackInARow;
    }
}
