package dev.chromacompactor.chroma;

import java.util.List;
import java.util.function.Consumer;

/** What a fold asks of a delta. */
interface Delta {
    SchemaLevel level();

    /** How a database like this one begins. */
    Seed seed();

    List<CollectionInfo> collections();

    CollectionDefinition definition(CollectionInfo collection);

    /** Each id once. */
    void entries(CollectionInfo collection, Consumer<Entry> each);

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
    }
}
