package dev.chromacompactor.embedded.awssdk;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;

/** Pieces of one open file, one after the other, as a stream. */
final class Pieces extends InputStream {
    private final FileChannel file;
    private final Iterator<Piece> rest;
    private long position;
    private long end;

    /** @param file closed with the stream */
    Pieces(FileChannel file, List<Piece> pieces) {
        this.file = file;
        this.rest = pieces.iterator();
    }

    @Override
    public int read() throws IOException {
        var one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] buffer, int offset, int length) throws IOException {
        Objects.checkFromIndexSize(offset, length, buffer.length);
        if (length == 0) {
            return 0;
        }
        while (position == end) {
            if (!rest.hasNext()) {
                return -1;
            }
            var next = rest.next();
            position = next.from();
            end = position + next.length();
        }
        int n = file.read(ByteBuffer.wrap(buffer, offset, (int) Math.min(length, end - position)), position);
        if (n < 0) {
            throw new EOFException("a body ends at " + position + ", not at " + end);
        }
        position += n;
        return n;
    }

    @Override
    public void close() throws IOException {
        file.close();
    }
}
