package dev.chromacompactor.question;

import java.time.Duration;
import java.util.List;

/** How answers spell what they speak of. */
public final class Words {
    /** More names than that nobody reads in a sentence. */
    private static final int MOST_NAMES = 5;

    private Words() {}

    /** Such as {@code 3 h 12 min}: two units, the larger first. */
    public static String age(Duration age) {
        if (age.toDays() > 0) {
            return age.toDays() + " d " + age.toHoursPart() + " h";
        }
        return age.toHours() > 0
                ? age.toHours() + " h " + age.toMinutesPart() + " min"
                : age.toMinutes() + " min " + age.toSecondsPart() + " s";
    }

    /** The first few, and how many more there are. */
    static String names(List<?> names) {
        List<String> first =
                names.stream().limit(MOST_NAMES).map(Object::toString).toList();
        int more = names.size() - first.size();
        return String.join(", ", first) + (more > 0 ? " and " + more + " more" : "");
    }

    static String chunks(long count) {
        return count == 1 ? "1 chunk" : count + " chunks";
    }
}
