package dev.chromacompactor.embedded.awssdk;

import java.util.ArrayList;
import java.util.List;
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

    /** What of a body lies in this range. */
    List<Piece> of(List<Piece> body) {
        var cut = new ArrayList<Piece>();
        long at = 0;
        for (var piece : body) {
            long from = Math.max(first, at);
            long to = Math.min(last + 1, at + piece.length());
            if (from < to) {
                cut.add(new Piece(piece.from() + from - at, to - from));
            }
            at += piece.length();
        }
        return cut;
    }
}
