import com.sun.management.OperatingSystemMXBean;
import dev.chromacompactor.chroma.Space;
import dev.chromacompactor.chroma.hnsw.HnswBuilder;
import dev.chromacompactor.chroma.hnsw.HnswIndex;
import dev.chromacompactor.chroma.hnsw.VectorSource;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;

/**
 * The index alone: merge VECTORS.npy ROWS DIMENSION FOLDER. Prints wall and CPU seconds of building, writing and proving it, the JIT's included.
 * By the word merge the start script knows which options the JVM gets.
 */
public final class BuildGraph {
    public static void main(String[] arguments) throws IOException {
        int rows = Integer.parseInt(arguments[2]);
        int dimension = Integer.parseInt(arguments[3]);
        List<String> ids = IntStream.range(0, rows).mapToObj(i -> "record-" + i).toList();
        try (FileChannel file = FileChannel.open(Path.of(arguments[1]));
                Arena arena = Arena.ofShared()) {
            MemorySegment all = file.map(FileChannel.MapMode.READ_ONLY, 0, file.size(), arena);
            // The header of a .npy says its own length.
            long start = 10 + all.get(ValueLayout.JAVA_SHORT_UNALIGNED, 8);
            Path folder = Path.of(arguments[4]);
            var process = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
            long cpu = process.getProcessCpuTime();
            long wall = System.nanoTime();
            HnswBuilder.build(
                    null,
                    folder,
                    new HnswBuilder.Parameters(Space.L2, dimension, 16, 100, false),
                    VectorSource.of(ids, all.asSlice(start, 4L * rows * dimension)),
                    List.of(),
                    false);
            try (HnswIndex built = HnswIndex.open(folder, Space.L2)) {
                built.prove(0);
            }
            System.out.printf(
                    Locale.ROOT,
                    "{\"wall\": %.3f, \"cpu\": %.3f}%n",
                    (System.nanoTime() - wall) / 1e9,
                    (process.getProcessCpuTime() - cpu) / 1e9);
        }
    }
}
