package dev.chromacompactor;

import java.util.EnumSet;
import java.util.Set;

/**
 * What some stand-in for AWS does otherwise than AWS. The contract suites assert AWS's behaviour, and the deviation
 * instead where a backend declares it: one that ends is noticed too. docs/localstack.md tells what each means for users.
 */
public enum Deviation {
    /** A visibility timeout of more than twelve hours is taken; AWS refuses it. */
    TAKES_MORE_THAN_TWELVE_HOURS,

    /** In a batch, a message delayed by more than fifteen minutes is taken; AWS refuses that entry alone. */
    TAKES_MORE_THAN_FIFTEEN_MINUTES_OF_DELAY,

    /** The visibility of a message that nobody holds can be changed; AWS answers MessageNotInflight. */
    HIDES_WHAT_NOBODY_HOLDS;

    public static final Set<Deviation> OF_AWS = EnumSet.noneOf(Deviation.class);
    public static final Set<Deviation> OF_THE_EMBEDDED =
            EnumSet.of(TAKES_MORE_THAN_TWELVE_HOURS, HIDES_WHAT_NOBODY_HOLDS);
    public static final Set<Deviation> OF_LOCALSTACK = EnumSet.allOf(Deviation.class);
}
