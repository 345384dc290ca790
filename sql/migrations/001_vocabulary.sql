-- The words that every other table uses.

CREATE TABLE expression (
    id   smallint PRIMARY KEY CHECK (id BETWEEN 0 AND 7),
    name text NOT NULL UNIQUE
);
COMMENT ON TABLE expression IS 'One row per expression, in AffectNet''s order; id is the label in files, arrays and tables.';
INSERT INTO expression (id, name) VALUES
    (0, 'Neutral'), (1, 'Happy'), (2, 'Sad'), (3, 'Surprise'),
    (4, 'Fear'), (5, 'Disgust'), (6, 'Anger'), (7, 'Contempt');

CREATE TABLE rejection_reason (
    code    text PRIMARY KEY CHECK (code ~ '^[a-z][a-z0-9_]*$'),
    meaning text NOT NULL,
    advice  text NOT NULL
);
COMMENT ON TABLE rejection_reason IS 'One row per reason for which a file or an image is refused, with what to do about it.';
INSERT INTO rejection_reason (code, meaning, advice) VALUES
    ('empty_file',           'The file holds no bytes.',                             'Deliver it again.'),
    ('too_large_file',       'The file is larger than the limit on bytes.',          'Deliver a smaller file.'),
    ('not_an_image',         'The bytes are not an image.',                          'Check what the sender exports.'),
    ('unsupported_format',   'An image, but not JPEG, PNG or WebP.',                 'Convert it to JPEG, PNG or WebP.'),
    ('truncated',            'The image ends before its pixels do.',                 'Deliver it again; the copy was cut short.'),
    ('too_many_pixels',      'The image claims more pixels than the limit.',         'Deliver it at a smaller size.'),
    ('extreme_aspect',       'The image is far longer than wide, or wider than long.', 'Deliver the face, not a strip.'),
    ('decode_error',         'The decoder refused the image.',                       'See the detail; deliver it again.'),
    ('not_a_regular_file',   'A link, pipe, device or socket instead of a file.',    'Deliver the file itself.'),
    ('unreadable_file',      'The file could not be opened or read.',                'Check owner and permissions.'),
    ('missing_file',         'The file was gone when its turn came.',                'Deliver it again.'),
    ('changed_since_arrival','The file''s bytes changed after it was taken in.',     'The new bytes are taken in by the next batch.');
