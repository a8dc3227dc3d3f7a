package dev.chromacompactor.archive;

import dev.chromacompactor.failure.FailureException;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;

/** Decompressed bytes on their way, counted against what the archive may expand to. */
final class Gauge extends FilterInputStream {
    private final String archive;
    private final long compressed;
    private final Archives.Limits limits;
    private final long maxBytes;

    private long count;
    private long zerosAtEnd;
    private long headerEnd = Long.MAX_VALUE;

    /** @param compressed size of the archive's file */
    Gauge(InputStream in, String archive, long compressed, Archives.Limits limits) {
        super(in);
        this.archive = archive;
        this.compressed = compressed;
        this.limits = limits;
        // The files are limited where they are written; this is for what lies between them.
        this.maxBytes = limits.bytes() + (64L << 20);
    }

    /** Refuses to go further than so many bytes from here: a header that is longer would be kept in memory. */
    void expectHeader(int bytes) {
        headerEnd = count + bytes;
    }

    void expectBody() {
        headerEnd = Long.MAX_VALUE;
    }

    /** How many of the last bytes read were zeros, without a gap. */
    long zerosAtEnd() {
        return zerosAtEnd;
    }

    @Override
    public int read() throws IOException {
        var one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
        int n = super.read(target, offset, length);
        if (n > 0) {
            count(target, offset, n);
        }
        return n;
    }

    @Override
    public long skip(long n) throws IOException {
        var buffer = new byte[(int) Math.min(n, 8192)];
        long left = n;
        while (left > 0) {
            int read = read(buffer, 0, (int) Math.min(left, buffer.length));
            if (read < 0) {
                break;
            }
            left -= read;
        }
        return n - left;
    }

    @Override
    public boolean markSupported() {
        return false;
    }

    private void count(byte[] bytes, int offset, int n) {
        count += n;
        int zeros = 0;
        while (zeros < n && bytes[offset + n - 1 - zeros] == 0) {
            zeros++;
        }
        zerosAtEnd = zeros == n ? zerosAtEnd + n : zeros;
        if (count > maxBytes) {
            throw FailureException.input(
                    "archive-too-large", archive + " expands to more than " + limits.bytes() + " bytes");
        }
        if (count > limits.freeBytes() && count / limits.ratio() > compressed) {
            throw FailureException.input(
                    "archive-too-large",
                    archive + " expands to more than " + limits.ratio() + " times its " + compressed + " bytes");
        }
        if (count > headerEnd) {
            throw FailureException.input("archive-unsafe", archive + " has a header that is too long");
        }
    }
}
