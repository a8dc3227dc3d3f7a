package dev.chromacompactor;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class DeviationTest {
    @ParameterizedTest
    @EnumSource
    void each_is_documented_with_who_has_it(Deviation deviation) {
        assertThat(Path.of("..", "docs", "localstack.md"))
                .content()
                .contains("| `%s` | %s | %s |"
                        .formatted(
                                deviation,
                                yesOrNo(Deviation.OF_LOCALSTACK.contains(deviation)),
                                yesOrNo(Deviation.OF_THE_EMBEDDED.contains(deviation))));
    }

    private static String yesOrNo(boolean yes) {
        return yes ? "yes" : "no";
    }
}
