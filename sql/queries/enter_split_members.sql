INSERT INTO split_member (split_id, image_id, split)
SELECT :split_id, image.id, member.split
FROM member
JOIN image ON image.sha256 = decode(member.sha256, 'hex')
