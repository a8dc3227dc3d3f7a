package dev.chromacompactor.telemetry;

/** What became of one message: a value of {@link Keys#OUTCOME}. */
public enum Settled {
    DONE("done"),
    RETRY("retry"),
    /** An operator paused it. */
    PUT_OFF("put-off"),
    DEAD_LETTER("dead-letter"),
    HAND_BACK("hand-back"),
    /** Somebody else has it: nothing was done with it here. */
    LOST("lost");

    private final String label;

    Settled(String label) {
        this.label = label;
    }

    /** The word in logs and metrics. */
    public String label() {
        return label;
    }
}
