-- The search for stores nearby.
--
-- Where the stores are: a narrow table of those that are found, with an index that gives them out
-- nearest first, so that a search costs what it finds and not how many stores its circle or its
-- band of latitude has. It is a table of its own because of row-level security: conditions of a
-- query are tried in an index only where they cannot leak what a policy hides, and those on points
-- are not known to be so. Here nothing is hidden: what the table holds, everyone sees in
-- `public_stores`, so its policy for reading is true, which is the same as none.
--
-- Points lie on Mercator's map, where a small circle of the earth is a circle: the order of
-- distances on the map is nearly that on the sphere, at every latitude, which it is not among
-- degrees. `place` is (longitude in radians, height on the map).
create table vyapar.store_points (
    store_id           uuid             not null primary key references vyapar.stores (id) on delete cascade,
    place              point            not null,
    latitude           double precision not null,
    longitude          double precision not null,
    store_type         varchar          not null,
    delivery_radius_km double precision not null,
    rating_sum         bigint           not null,
    rating_count       bigint           not null
) with (fillfactor = 80);
create index store_points_place on vyapar.store_points using gist (place);

select from vyapar.isolate_by_store('store_points');
create policy everyone on vyapar.store_points for select to vyapar_app using (true);
grant select, insert, update, delete on vyapar.store_points to vyapar_app;

-- Where on the map. (Poles are far up, at 37, not infinite: 90 degrees has no exact value.)
create function vyapar.on_map(p_latitude double precision, p_longitude double precision) returns point
language sql immutable parallel safe as $$
    select point(radians(p_longitude), asinh(tan(radians(p_latitude))))
$$;

-- How far on the map that distance reaches at most: the map's scale is the secant of the latitude
-- and grows towards the poles, so no part of the way is drawn larger than its northernmost (or
-- southernmost) point. Everywhere, where the way may come near a pole. A little more than that,
-- so that rounding loses nothing.
create function vyapar.reach_on_map(p_latitude double precision, p_km double precision) returns double precision
language sql immutable parallel safe as $$
    select case when abs(radians(p_latitude)) + p_km / 6371.0088 < 1.569
                then p_km / 6371.0088 / cos(abs(radians(p_latitude)) + p_km / 6371.0088) * 1.000001 + 1e-9
                else 1e6 end
$$;

-- And how far at least what is further away than that: no part of the straight line between two
-- places of the map is drawn smaller than its point nearest to the equator. A little less.
create function vyapar.inner_on_map(p_latitude double precision, p_km double precision) returns double precision
language sql immutable parallel safe as $$
    select p_km / 6371.0088 / cos(greatest(abs(radians(p_latitude)) - p_km / 6371.0088, 0)) * 0.999999 - 1e-9
$$;

-- Boxes that together cover the ring between two circles of the map, and little else: one around
-- it; where it is narrow, one for each of 64 sectors, whose corners are its furthest points because
-- none lies across an axis.
create function vyapar.ring_on_map(
    p_images double precision[], p_y double precision, p_inner double precision, p_outer double precision
) returns box[]
language sql immutable parallel safe as $$
    select case when p_inner * 2 < p_outer then array(
        select box(point(p_x - p_outer, p_y - p_outer), point(p_x + p_outer, p_y + p_outer))
          from unnest(p_images) p_x)
    else array(
        select box(point(p_x + least(x * p_inner, x * p_outer, next_x * p_inner, next_x * p_outer),
                         p_y + least(y * p_inner, y * p_outer, next_y * p_inner, next_y * p_outer)),
                   point(p_x + greatest(x * p_inner, x * p_outer, next_x * p_inner, next_x * p_outer),
                         p_y + greatest(y * p_inner, y * p_outer, next_y * p_inner, next_y * p_outer)))
          from unnest(p_images) p_x,
               (select cosd(nth * 5.625) as x, sind(nth * 5.625) as y,
                       cosd((nth + 1) * 5.625) as next_x, sind((nth + 1) * 5.625) as next_y
                  from generate_series(0, 63) nth) sectors) end
$$;

-- Haversine, as in core but for the last digits.
create function vyapar.distance_km(
    p_latitude double precision, p_longitude double precision, q_latitude double precision,
    q_longitude double precision
) returns double precision
language sql immutable parallel safe as $$
    select 2 * 6371.0088 * asin(least(1, sqrt(
        power(sin((radians(q_latitude) - radians(p_latitude)) / 2), 2)
        + cos(radians(p_latitude)) * cos(radians(q_latitude))
          * power(sin(radians(q_longitude - p_longitude) / 2), 2))))
$$;

-- Keeps a store's point in the write that changes it, whoever writes.
create function vyapar.keep_store_point() returns trigger
language plpgsql as $$
begin
    if new.status = 'active' and new.latitude is not null then
        insert into vyapar.store_points as p
            values (new.id, vyapar.on_map(new.latitude, new.longitude), new.latitude, new.longitude, new.store_type,
                    new.delivery_radius_km, new.rating_sum, new.rating_count)
        on conflict (store_id) do update
           set place = excluded.place, latitude = excluded.latitude, longitude = excluded.longitude,
               store_type = excluded.store_type, delivery_radius_km = excluded.delivery_radius_km,
               rating_sum = excluded.rating_sum, rating_count = excluded.rating_count
         where (p.latitude, p.longitude, p.store_type, p.delivery_radius_km, p.rating_sum, p.rating_count)
            is distinct from
               (excluded.latitude, excluded.longitude, excluded.store_type, excluded.delivery_radius_km,
                excluded.rating_sum, excluded.rating_count);
    else
        delete from vyapar.store_points p where p.store_id = new.id;
    end if;
    return null;
end
$$;
create trigger store_point
    after insert or update of status, latitude, longitude, store_type, delivery_radius_km, rating_sum, rating_count
    on vyapar.stores for each row execute function vyapar.keep_store_point();

insert into vyapar.store_points
    select s.id, vyapar.on_map(s.latitude, s.longitude), s.latitude, s.longitude, s.store_type, s.delivery_radius_km,
           s.rating_sum, s.rating_count
      from vyapar.stores s where s.status = 'active' and s.latitude is not null;

-- Whether a store is of that kind and rated so well: what is asked for besides distance.
create function vyapar.point_matches(
    p_point vyapar.store_points, p_store_type varchar, p_min_rating integer
) returns boolean
language sql immutable parallel safe as $$
    select (p_store_type is null or p_point.store_type = p_store_type)
       and (p_min_rating = 0
            or p_point.rating_count > 0 and p_point.rating_sum * 10 >= p_point.rating_count * p_min_rating)
$$;

-- What a page of the search is made of: the active stores that may be among the first `p_limit`
-- behind a position in the list, in no order. The caller judges and sorts them exactly.
--
-- Distances here and there may differ in their last digits, so what is in is in by a metre, and
-- what is out is out by a metre (`c_slack`). First a distance is found within which there are
-- surely enough (`v_km`), then everything within it is taken. All of it sees one state of the
-- tables: the function is stable.
--
-- The map is cut at 180 degrees; where the circle goes over it, it is drawn once more on the other
-- side (`v_images`).
create function vyapar.find_nearby(
    p_latitude double precision, p_longitude double precision, p_radius_km double precision, p_store_type varchar,
    p_min_rating integer, p_delivers boolean, p_after_km double precision, p_after uuid, p_limit integer,
    p_lock_timeout integer
) returns table (
    id uuid, store_id varchar, store_name varchar, address text, city varchar, state varchar, pincode varchar,
    latitude double precision, longitude double precision, gstin varchar, store_type varchar, business_hours jsonb,
    delivery_radius_km numeric, min_order_amount numeric, delivery_fee numeric, preparation_minutes bigint,
    accepts_online_payment boolean, verified boolean, rating_sum bigint, rating_count bigint
)
language plpgsql stable as $$
declare
    c_slack  constant double precision := 0.001;
    v_x      constant double precision := radians(p_longitude);
    v_y      constant double precision := (vyapar.on_map(p_latitude, p_longitude))[1];
    v_inner  constant double precision := vyapar.inner_on_map(p_latitude, coalesce(p_after_km, 0) - c_slack);
    v_reach  double precision := vyapar.reach_on_map(p_latitude, p_radius_km + c_slack);
    v_images constant double precision[] := array(
        select v_x + turn * 2 * pi() from generate_series(-1, 1) turn
         where abs(v_x + turn * 2 * pi()) - v_reach <= pi() + 1e-9);
    v_image  double precision;
    v_km     double precision;
    v_width  double precision := 0.01 + p_after_km / 500;
    v_found  uuid[];
begin
    perform vyapar.enter_all_stores(p_lock_timeout);
    -- By index, whatever is known of the table's size: it may have grown a thousandfold since it
    -- was last analysed.
    perform set_config('enable_seqscan', 'off', true);

    -- Of the stores nearest on the map, the first `p_limit` that are surely in: the furthest of
    -- them is as far as the page can go. Rows beyond the circle count, so that they end the walk,
    -- and rows in front of the page count, so that it is given up where they are many. (The limit
    -- is a number so that the planner knows that few rows are needed, and takes them from the index
    -- as they come.)
    foreach v_image in array v_images loop
        v_km := least(v_km, (
            select max(near.km)
              from (select walk.km
                      from (select case when p.place <-> point(v_image, v_y) between v_inner and v_reach then
                                   vyapar.distance_km(p_latitude, p_longitude, p.latitude, p.longitude) end as km
                              from vyapar.store_points p
                             where case when p.place <-> point(v_image, v_y) between v_inner and v_reach then
                                   vyapar.point_matches(p, p_store_type, p_min_rating)
                                   and vyapar.distance_km(p_latitude, p_longitude, p.latitude, p.longitude)
                                       between coalesce(p_after_km + c_slack, 0)
                                           and least(p_radius_km, case when p_delivers then p.delivery_radius_km end)
                                               - c_slack
                                   else true end
                             order by p.place <-> point(v_image, v_y)
                             limit 1000) walk
                     where walk.km is not null
                     limit p_limit) near
            having count(*) = p_limit));
    end loop;

    -- Far behind the first page the same is found in rings around what was given out.
    while v_km is null and p_after_km + v_width < p_radius_km loop
        v_reach := vyapar.reach_on_map(p_latitude, p_after_km + v_width);
        v_km := (
            select max(near.km)
              from (select ring.km
                      from (select distinct p.store_id,
                                   vyapar.distance_km(p_latitude, p_longitude, p.latitude, p.longitude) as km
                              from unnest(vyapar.ring_on_map(v_images, v_y, v_inner, v_reach)) part
                              join vyapar.store_points p on p.place <@ part
                             where vyapar.point_matches(p, p_store_type, p_min_rating)
                               and vyapar.distance_km(p_latitude, p_longitude, p.latitude, p.longitude)
                                   between p_after_km + c_slack
                                       and least(p_after_km + v_width, case when p_delivers then p.delivery_radius_km end)
                                           - c_slack) ring
                     order by ring.km
                     limit p_limit) near
            having count(*) = p_limit);
        v_width := v_width * 3;
    end loop;

    -- Of many stores at one place, none but the first can be on the page (by id; and if it is the
    -- place where the page before ended, the first behind that page).
    v_km := coalesce(v_km, p_radius_km);
    v_reach := vyapar.reach_on_map(p_latitude, v_km + c_slack);
    v_found := array(
        select crowd.store_id
          from (select one.store_id,
                       row_number() over (partition by one.latitude, one.longitude, one.store_id > p_after
                                          order by one.store_id) as nth
                  from (select distinct p.store_id, p.latitude, p.longitude
                          from unnest(vyapar.ring_on_map(v_images, v_y, v_inner, v_reach)) part
                          join vyapar.store_points p on p.place <@ part
                         where vyapar.point_matches(p, p_store_type, p_min_rating)
                           and vyapar.distance_km(p_latitude, p_longitude, p.latitude, p.longitude)
                               between coalesce(p_after_km - c_slack, 0)
                                   and least(v_km, case when p_delivers then p.delivery_radius_km end) + c_slack
                       ) one) crowd
         where crowd.nth <= p_limit);
    return query
        select s.id, s.store_id, s.store_name, s.address, s.city, s.state, s.pincode, s.latitude, s.longitude,
               s.gstin, s.store_type, s.business_hours, s.delivery_radius_km, s.min_order_amount, s.delivery_fee,
               s.preparation_minutes, s.accepts_online_payment, s.verified, s.rating_sum, s.rating_count
          from vyapar.stores s where s.id = any (v_found) and s.status = 'active';
end
$$;
