package dev.chromacompactor.store;

import static dev.chromacompactor.store.ObjectStoreContract.assertFails;
import static dev.chromacompactor.store.ScriptedS3.body;
import static dev.chromacompactor.store.ScriptedS3.status;
import static org.assertj.core.api.Assertions.assertThat;

import dev.chromacompactor.TestServers;
import dev.chromacompactor.failure.Blame;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Lifecycle rules as S3 writes them. */
class LifecyclesTest {
    private ScriptedS3 s3;
    private S3ObjectStores stores;

    @BeforeEach
    void start() throws IOException {
        s3 = new ScriptedS3();
        stores = new S3ObjectStores(S3Settings.at(s3.endpoint(), "us-east-1"), TestServers.CREDENTIALS);
    }

    @AfterEach
    void stop() {
        stores.close();
        s3.close();
    }

    private List<LifecycleRule> rules(String... rules) {
        s3.then(body(200, Map.of(), "<LifecycleConfiguration>" + String.join("", rules) + "</LifecycleConfiguration>"));
        return stores.lifecycle("bucket");
    }

    private static String rule(String id, String status, String inside) {
        return "<Rule><ID>" + id + "</ID><Status>" + status + "</Status>" + inside + "</Rule>";
    }

    @Test
    void what_expires_is_read_in_every_way_of_writing_it() {
        assertThat(rules(
                        rule(
                                "new",
                                "Enabled",
                                "<Filter><Prefix>a/</Prefix></Filter><Expiration><Days>7</Days></Expiration>"),
                        rule("old", "Enabled", "<Prefix>b/</Prefix><Expiration><Days>8</Days></Expiration>"),
                        rule("all", "Enabled", "<Filter/><Expiration><Days>9</Days></Expiration>"),
                        rule(
                                "tagged",
                                "Enabled",
                                "<Filter><And><Prefix>c/</Prefix><Tag><Key>k</Key><Value>v</Value></Tag></And></Filter>"
                                        + "<Expiration><Days>10</Days></Expiration>"),
                        rule(
                                "dated",
                                "Enabled",
                                "<Filter><Prefix>d/</Prefix></Filter>"
                                        + "<Expiration><Date>2026-01-01T00:00:00.000Z</Date></Expiration>")))
                .containsExactly(
                        new LifecycleRule("new", "a/", 7, false),
                        new LifecycleRule("old", "b/", 8, false),
                        new LifecycleRule("all", "", 9, false),
                        new LifecycleRule("tagged", "c/", 10, true),
                        new LifecycleRule("dated", "d/", 0, false));
        assertThat(s3.seen().getFirst().path()).contains("lifecycle");
    }

    @Test
    void an_archive_counts_like_an_end_and_the_earlier_of_both_does() {
        assertThat(rules(rule(
                        "cold",
                        "Enabled",
                        "<Filter><Prefix>a/</Prefix></Filter><Expiration><Days>90</Days></Expiration>"
                                + "<Transition><Days>3</Days><StorageClass>DEEP_ARCHIVE</StorageClass></Transition>"
                                + "<Transition><Days>1</Days><StorageClass>STANDARD_IA</StorageClass></Transition>")))
                .containsExactly(new LifecycleRule("cold", "a/", 3, false));
    }

    @Test
    void what_takes_nothing_readable_away_is_left_out() {
        assertThat(rules(
                        rule("off", "Disabled", "<Filter/><Expiration><Days>1</Days></Expiration>"),
                        rule(
                                "parts",
                                "Enabled",
                                "<Filter/><AbortIncompleteMultipartUpload><DaysAfterInitiation>1</DaysAfterInitiation>"
                                        + "</AbortIncompleteMultipartUpload>"),
                        rule(
                                "old-versions",
                                "Enabled",
                                "<Filter/><NoncurrentVersionExpiration><NoncurrentDays>1</NoncurrentDays>"
                                        + "</NoncurrentVersionExpiration>"),
                        rule(
                                "markers",
                                "Enabled",
                                "<Filter/><Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker>"
                                        + "</Expiration>")))
                .isEmpty();
    }

    @Test
    void no_configuration_and_no_such_feature_are_no_rules() {
        s3.then(status(404, "NoSuchLifecycleConfiguration"));
        assertThat(stores.lifecycle("bucket")).isEmpty();
        s3.then(status(501, "NotImplemented"));
        assertThat(stores.lifecycle("bucket")).isEmpty();
    }

    @Test
    void a_refusal_has_its_reason() {
        s3.then(status(403, "AccessDenied"));
        assertFails(() -> stores.lifecycle("bucket"), Blame.DEPENDENCY, "s3-access-denied");
        s3.then(status(404, "NoSuchBucket"));
        assertFails(() -> stores.lifecycle("bucket"), Blame.DEPENDENCY, "s3-bucket-missing");
    }
}
