package dev.chromacompactor.chroma;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** What a row of {@code embeddings_queue} does, with Chroma's number for it. */
enum Operation {
    /** Ignored when the id exists. */
    ADD(0),
    /** Ignored when the id does not exist. */
    UPDATE(1),
    UPSERT(2),
    DELETE(3);

    private final int number;

    Operation(int number) {
        this.number = number;
    }

    /** Two bits are enough for it. */
    int number() {
        return number;
    }

    static @Nullable Operation of(long number) {
        for (Operation operation : OPERATIONS) {
            if (operation.number == number) {
                return operation;
            }
        }
        return null;
    }

    /** Whether the id exists after this operation. */
    boolean exists(boolean before) {
        return switch (this) {
            case ADD, UPSERT -> true;
            case UPDATE -> before;
            case DELETE -> false;
        };
    }

    /** Whether this operation does anything. */
    boolean effective(boolean before) {
        return switch (this) {
            case ADD -> !before;
            case UPDATE -> before;
            case UPSERT, DELETE -> true;
        };
    }

    private static final List<Operation> OPERATIONS = List.of(values());
}
