package dev.chromacompactor.cli;

import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Reads typed values out of environment variables and collects what is wrong with them. An empty value counts as absent. */
final class Environment {
    private final Map<String, String> values;
    private final List<String> problems = new ArrayList<>();
    private final TreeSet<String> invalid = new TreeSet<>();

    Environment(Map<String, String> values) {
        this.values = Map.copyOf(values);
    }

    /** Refuses names with the prefix that nobody reads; names the nearest one that somebody does. */
    void refuseUnknown(String prefix, List<String> known) {
        values.keySet().stream()
                .filter(name -> name.startsWith(prefix) && !known.contains(name))
                .sorted()
                .forEach(name -> problems.add(name + " is unknown; did you mean " + nearest(name, known) + "?"));
    }

    void require(String name) {
        if (text(name) == null) {
            problems.add(name + " is not set");
        }
    }

    /** @throws ConfigException if there are any */
    void refuseProblems() {
        if (!problems.isEmpty()) {
            throw new ConfigException(problems);
        }
    }

    /** Without the values that were refused. */
    Map<String, String> asFarAsValid() {
        var valid = new HashMap<>(values);
        valid.keySet().removeAll(invalid);
        return valid;
    }

    private @Nullable String text(String name) {
        var value = values.get(name);
        return value == null || value.isBlank() ? null : value.strip();
    }

    @Nullable
    String matching(String name, String pattern, String what) {
        var value = text(name);
        if (value != null && !value.matches(pattern)) {
            refuse(name, "\"" + value + "\" is not " + what);
            return null;
        }
        return value;
    }

    /** An http or https URL. */
    @Nullable
    String url(String name) {
        var value = text(name);
        if (value == null) {
            return null;
        }
        try {
            var uri = new URI(value);
            if (uri.getUserInfo() != null) {
                // Not shown: it may be a secret.
                refuse(name, "holds a user or password; credentials have variables of their own");
                return null;
            }
            if (uri.getHost() != null && ("http".equals(uri.getScheme()) || "https".equals(uri.getScheme()))) {
                return value;
            }
        } catch (URISyntaxException e) {
            // Said below.
        }
        refuse(name, "\"" + value + "\" is not an http or https URL");
        return null;
    }

    /** As {@link #url}. */
    @Nullable
    URI address(String name) {
        var value = url(name);
        return value == null ? null : URI.create(value);
    }

    void checkUrl(String... names) {
        for (var name : names) {
            var _ = url(name);
        }
    }

    @Nullable
    Integer optionalNumber(String name, int least, int most) {
        var value = text(name);
        if (value == null) {
            return null;
        }
        try {
            int number = Integer.parseInt(value);
            if (number >= least && number <= most) {
                return number;
            }
        } catch (NumberFormatException e) {
            // Said below.
        }
        refuse(name, "\"" + value + "\" is not a whole number from " + least + " to " + most);
        return null;
    }

    int number(String name, int least, int most, int otherwise) {
        var number = optionalNumber(name, least, most);
        return number == null ? otherwise : number;
    }

    Duration duration(String name, Duration least, Duration most, Duration otherwise) {
        var value = text(name);
        if (value == null) {
            return otherwise;
        }
        try {
            var duration = Duration.parse(value);
            if (duration.compareTo(least) >= 0 && duration.compareTo(most) <= 0) {
                return duration;
            }
            refuse(name, value + " is not between " + least + " and " + most);
        } catch (DateTimeParseException e) {
            refuse(name, "\"" + value + "\" is not an ISO-8601 duration, such as " + otherwise);
        }
        return otherwise;
    }

    /** As {@link #duration}, without a fraction. */
    Duration seconds(String name, Duration least, Duration most, Duration otherwise) {
        var duration = duration(name, least, most, otherwise);
        if (duration.toNanosPart() != 0) {
            refuse(name, duration + " is not in whole seconds");
        }
        return duration;
    }

    void checkFlag(String name) {
        var _ = matching(name, "true|false", "true or false");
    }

    String oneOf(String name, String usual, String other) {
        var value = matching(name, usual + "|" + other, usual + " or " + other);
        return value == null ? usual : value;
    }

    Path path(String name, Path otherwise) {
        var value = text(name);
        if (value == null) {
            return otherwise;
        }
        try {
            return Path.of(value);
        } catch (InvalidPathException e) {
            refuse(name, "\"" + value + "\" is not a path");
            return otherwise;
        }
    }

    private void refuse(String name, String why) {
        if (invalid.add(name)) {
            problems.add(name + ": " + why);
        }
    }

    private static String nearest(String name, List<String> known) {
        return known.stream()
                .min(Comparator.comparingInt(candidate -> distance(name, candidate)))
                .orElseThrow();
    }

    /** Levenshtein's: the fewest letters to insert, take out or replace. */
    private static int distance(String a, String b) {
        var above = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) {
            above[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            var row = new int[b.length() + 1];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int replaced = above[j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                row[j] = Math.min(replaced, 1 + Math.min(above[j], row[j - 1]));
            }
            above = row;
        }
        return above[b.length()];
    }
}
