package dev.chromacompactor.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class S3SettingsTest {
    @Test
    void without_variables_it_is_AWS_and_the_SDK_finds_the_region() {
        assertThat(S3Settings.fromEnvironment(Map.of())).isEqualTo(new S3Settings(null, null, false));
    }

    @Test
    void the_endpoint_of_S3_goes_before_the_common_one() {
        var settings = S3Settings.fromEnvironment(Map.of(
                "AWS_ENDPOINT_URL", "http://127.0.0.1:4566",
                "AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9000",
                "AWS_REGION", "eu-central-1",
                "AWS_DEFAULT_REGION", "us-west-2"));
        assertThat(settings).isEqualTo(new S3Settings("eu-central-1", URI.create("http://127.0.0.1:9000"), true));
    }

    @ParameterizedTest
    @CsvSource({
        "http://127.0.0.1:4566, true",
        "http://localhost:4566, true",
        "http://s3.localhost:4566, true",
        "http://[::1]:4566, true",
        "https://s3.example.com, false",
        "https://localhost.example.com, false",
    })
    void loopback_is_addressed_path_style(URI endpoint, boolean pathStyle) {
        assertThat(S3Settings.at(endpoint, "us-east-1").pathStyle()).isEqualTo(pathStyle);
    }

    @Test
    void path_style_can_be_forced() {
        var settings = S3Settings.fromEnvironment(
                Map.of("AWS_ENDPOINT_URL", "https://s3.example.com", "COMPACTOR_S3_PATH_STYLE", "true"));
        assertThat(settings.pathStyle()).isTrue();
    }
}
