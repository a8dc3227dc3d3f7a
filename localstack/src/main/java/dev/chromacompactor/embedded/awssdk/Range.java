package dev.chromacompactor.embedded.awssdk;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import org.gaul.s3proxy.blobstore.S3Exceptions;

/** Bytes {@code first} to {@code last}, both inside. */
record Range(long first, long last) {
    /** @param header one range: {@code bytes=1-2}, {@code bytes=1-} or {@code bytes=-2} */
    static Range parse(String header, long size) {
        var ends = header.substring("bytes=".length()).split("-", 2);
        long first = ends[0].isEmpty() ? Math.max(0, size - Long.parseLong(ends[1])) : Long.parseLong(ends[0]);
        long last = ends[0].isEmpty() || ends[1].isEmpty() ? size - 1 : Math.min(size - 1, Long.parseLong(ends[1]));
        if (first > last) {
            throw S3Exceptions.fromStatusCode(416);
        }
        return new Range(first, last);
    }

    long length() {
        return last - first + 1;
    }

    /** The bytes of this range, of a stream that begins at 0. */
    InputStream of(InputStream whole) throws IOException {
        whole.skipNBytes(first);
        return new FilterInputStream(whole) {
            private long left = length();

            @Override
            public int read() throws IOException {
                int b = left == 0 ? -1 : super.read();
                left -= b < 0 ? 0 : 1;
                return b;
            }

            @Override
            public int read(byte[] buffer, int offset, int length) throws IOException {
                int n = left == 0 ? -1 : super.read(buffer, offset, (int) Math.min(length, left));
                left -= Math.max(0, n);
                return n;
            }
        };
    }
}
