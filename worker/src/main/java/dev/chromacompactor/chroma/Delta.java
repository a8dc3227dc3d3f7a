package dev.chromacompactor.chroma;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** What a fold asks of a delta. */
interface Delta {
    SchemaLevel level();

    /** How a database like this one begins. */
    Seed seed();

    /** Of the file with its tables and its WAL. */
    long bytes();

    List<CollectionInfo> collections();

    CollectionDefinition definition(CollectionInfo collection);

    /** Each id once. */
    void entries(CollectionInfo collection, Consumer<Entry> each);

    /**
     * Puts the records of a collection into a fold.
     *
     * @param replaced is told of each that is about to be replaced without {@code each}
     * @param each joins one
     * @return what became of those that were put in without {@code each}
     */
    default Copied into(
            Workspace target,
            CollectionInfo source,
            CollectionInfo collection,
            Stamp stamp,
            Replaced replaced,
            Consumer<Entry> each) {
        entries(source, each);
        return Copied.NOTHING;
    }

    /** A record is about to be replaced as a whole. */
    interface Replaced {
        /** @param row of {@code embeddings}, where the id is stored */
        void before(String id, long row);
    }

    /**
     * @param added ids of records that are new
     * @param replaced ids of those that took the place of stored ones
     * @param digest of both
     */
    record Copied(List<String> added, List<String> replaced, RecordDigest digest) {
        static final Copied NOTHING = new Copied(List.of(), List.of(), new RecordDigest());

        List<String> ids() {
            var all = new ArrayList<>(added);
            all.addAll(replaced);
            return all;
        }
    }

    /** A delta as its producer left it. */
    record Files(ChromaDatabase chroma, FoldDatabase tables) implements Delta {
        @Override
        public SchemaLevel level() {
            return chroma.level();
        }

        @Override
        public Seed seed() {
            return Seed.of(tables);
        }

        @Override
        public long bytes() {
            return tables.size();
        }

        @Override
        public List<CollectionInfo> collections() {
            return chroma.collections();
        }

        @Override
        public CollectionDefinition definition(CollectionInfo collection) {
            return CollectionDefinition.read(tables, collection);
        }

        @Override
        public void entries(CollectionInfo collection, Consumer<Entry> each) {
            chroma.entries(collection, each);
        }

        @Override
        public Copied into(
                Workspace target,
                CollectionInfo source,
                CollectionInfo collection,
                Stamp stamp,
                Replaced replaced,
                Consumer<Entry> each) {
            PlainRecords plain = chroma.plain(source, collection.name(), target.scratch());
            target.database().attach(tables.file());
            PlainRecords.Folded folded = plain.into(target, collection, stamp, replaced);
            chroma.entries(source, folded.rest(), each);
            return folded.copied();
        }
    }
}
