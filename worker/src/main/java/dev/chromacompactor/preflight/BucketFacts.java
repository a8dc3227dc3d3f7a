package dev.chromacompactor.preflight;

import dev.chromacompactor.store.LifecycleRule;
import java.time.Duration;
import java.util.List;

/**
 * What a bucket answered to harmless questions.
 *
 * @param listing number of probes found, of other workers too
 * @param reading whether a key that is not there was said to be not there
 * @param conditions how conditional writes ended
 * @param deleting whether the own probes are gone
 * @param skew this machine's clock minus S3's Date; within a second or so
 * @param lifecycle rules that take objects away
 * @param databases that are there
 */
record BucketFacts(
        String bucket,
        Answer<Integer> listing,
        Answer<Boolean> reading,
        Answer<Conditions> conditions,
        Answer<Boolean> deleting,
        Answer<Duration> skew,
        Answer<List<LifecycleRule>> lifecycle,
        Answer<List<String>> databases) {
    /**
     * How conditional writes on a probe of our own ended.
     *
     * @param createdTwice a second create-only write was accepted
     * @param replacedStale a write over an ETag that was no longer the object's was accepted
     * @param replacedMissing a write over an object that was not there was accepted
     * @param readsBack what was written last is what is read
     * @param winners of each round of writers with the same condition: must be one
     */
    record Conditions(
            boolean createdTwice,
            boolean replacedStale,
            boolean replacedMissing,
            boolean readsBack,
            List<Integer> winners) {
        Conditions {
            winners = List.copyOf(winners);
        }
    }
}
